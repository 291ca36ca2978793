import { deploymentName } from '../core/index.ts';
import { azureDeployment, modelVendor, type ProtocolName } from '../protocols/index.ts';

/** An endpoint that is known by more than its host. */
export interface KnownPlace {
  /** Addresses that begin so are meant, e.g. `http://127.0.0.1:8080/v1`. */
  readonly url: string;
  /** First part of its deployments' names. */
  readonly provider: string;
  /** Second part; the host by default. */
  readonly account?: string;
  readonly simulated?: boolean;
}

/** Where a call goes, as far as its books are concerned. */
export interface Place {
  /** `provider/account-or-host/model-or-deployment` */
  readonly deployment: string;
  readonly simulated: boolean;
}

/** What an endpoint nobody named is called, by what it speaks. */
const BY_PROTOCOL: Partial<Readonly<Record<ProtocolName, string>>> = { 'anthropic-messages': 'anthropic', gemini: 'gemini', ollama: 'ollama' };

const AZURE_HOST = /\.openai\.azure\.com$/;

/** Names the deployments that calls to an address draw on, as targets of the same endpoint name theirs. */
export class Places {
  readonly #known: KnownPlace[];

  constructor(known: readonly KnownPlace[] = []) {
    this.#known = [];
    for (const place of known) this.add(place);
  }

  /** The longest address wins; one that was added twice is what it was last. */
  add(place: KnownPlace): void {
    const parsed = URL.parse(place.url);
    const url = (parsed === null ? place.url : parsed.origin + parsed.pathname).replace(/\/+$/, '');
    const others = this.#known.filter((known) => known.url !== url);
    this.#known.splice(0, Infinity, ...[...others, { ...place, url }].toSorted((a, b) => b.url.length - a.url.length));
  }

  /** Whether an address is one that was named. */
  knows(url: URL): boolean {
    return this.#find(url) !== undefined;
  }

  /**
   * Where a call goes.
   *
   * @param model the one asked for; a deployment in the path goes before it
   */
  of(url: URL, protocol: ProtocolName, model: string | undefined): Place {
    const inPath = azureDeployment(url.pathname);
    const name = inPath ?? model ?? 'unknown';
    const known = this.#find(url);
    if (known !== undefined) return { deployment: deploymentName(known.provider, known.account ?? url.host, name), simulated: known.simulated ?? false };
    // Paths with a deployment are Azure's, whatever stands before it.
    const provider = modelVendor(url.hostname) ?? (inPath === undefined ? BY_PROTOCOL[protocol] : 'azure') ?? 'compat';
    return { deployment: deploymentName(provider, url.host.replace(AZURE_HOST, ''), name), simulated: false };
  }

  #find(url: URL): KnownPlace | undefined {
    if (this.#known.length === 0) return undefined;
    const address = url.origin + url.pathname;
    return this.#known.find((place) => address === place.url || address.startsWith(`${place.url}/`));
  }
}
