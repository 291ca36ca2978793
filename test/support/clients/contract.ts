/** Gets a package the way the program was written: `import()` or `require()`. */
export type Load = <Module>(name: string) => Promise<Module>;

export interface Surroundings {
  readonly load: Load;
  /** The mock, without a path. */
  readonly url: string;
  /** The same behind TLS, with a certificate that `ca` vouches for. */
  readonly tlsUrl: string;
  readonly ca: string;
  /** The same, where embeddings and Ollama's calls are answered with the tokens they took. */
  readonly countedUrl: string;
  /** A proxy that lets everything through, with a tunnel and without. */
  readonly proxyUrl: string;
  /** Where nobody listens. */
  readonly goneUrl: string;
}

/** What a user of a client library does, and what the library lets them see of it: JSON, and the same whenever it is done. */
export type Case = () => Promise<unknown>;

/**
 * Makes the clients of one library, then says what is done with them. The model that a case asks for has the case's name, so that the mock's
 * books and the ledger can be compared case by case.
 */
export type ClientProgram = (surroundings: Surroundings) => Promise<Readonly<Record<string, Case>>>;
