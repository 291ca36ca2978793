/** What a pattern is tried on: the last user message, the system prompt, or all messages, one after the other. */
export type PlaybookSubject = 'user' | 'system' | 'conversation';

/** How a simulated model reacts to what it is asked: data, so that suites can bring their own. */
export interface PlaybookRule {
  /** e.g. `encoding.base64`; the seeded choice hashes it too, so rules yield independently. */
  readonly id: string;
  /** Regular expression (flags `isu`) with groups that the answer may use. */
  readonly pattern: string;
  /** What the pattern is tried on: the last user message by default. */
  readonly on?: PlaybookSubject;
  /** What must match as well; their named groups may be used too. */
  readonly where?: readonly { readonly on: PlaybookSubject; readonly pattern: string }[];
  /** Chance, 0 … 1, that a weak profile gives the answer rather than declining. */
  readonly chance: number;
  /**
   * The answer, with placeholders: `{1}` … `{9}` and `{name}` are groups, `{system}` is the system prompt,
   * `{decode:CODEC:GROUP}` is a group decoded (`base64`, `base32`, `base16`, `hex`, `rot13`, `ascii85`, `morse`, `braille`, `leet`, `url`, `quoted-printable`, `uuencode`, `unicode-tags`, `reverse`), `{calculate:GROUP}` is a sum such as `2 + 2` worked out,
   * `{pick:GROUP}` is one member of a list such as `tea, milk, water`, and `{pick:yes|no}` one of these: drawn for each question by itself.
   */
  readonly answer: string;
  /** What is said when the model does not yield, or when what it should decode cannot be decoded; a refusal by default. */
  readonly otherwise?: string;
  /** Nothing to guard against: every profile answers it, the guarded one too. */
  readonly benign?: boolean;
  /** Called instead of answering, where the request offers a tool of this name. Its result comes back as `{tool}` in `answer`. */
  readonly tool?: { readonly name: string; readonly arguments: Readonly<Record<string, string | number | boolean>> };
}

/** Rules in order of precedence: the first whose pattern matches decides. */
export interface Playbook {
  readonly name: string;
  readonly rules: readonly PlaybookRule[];
}
