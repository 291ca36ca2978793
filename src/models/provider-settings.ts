/** How providers are reached, as the config gives it. Every text may hold `${ENV}` references, resolved at use. */
export interface ProviderSettings {
  readonly openai?: {
    readonly baseUrl?: string;
    readonly apiKeyEnv?: string;
    readonly organization?: string;
    readonly project?: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** Which API carries the calls; `chat` by default. */
    readonly api?: 'chat' | 'responses';
  };
  readonly azure?: {
    /** e.g. `https://my-resource.openai.azure.com` */
    readonly endpoint?: string;
    readonly resource?: string;
    readonly apiVersion?: string;
    readonly apiKeyEnv?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly anthropic?: {
    readonly baseUrl?: string;
    readonly apiKeyEnv?: string;
    readonly version?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** Any OpenAI-compatible endpoint, by a name of the user's. */
  readonly compat?: Readonly<Record<string, CompatSettings>>;
}

export interface CompatSettings {
  /** Ends before `/chat/completions`, e.g. `http://localhost:8000/v1`. */
  readonly baseUrl: string;
  /** Asked for when the target names none. */
  readonly model?: string;
  readonly apiKeyEnv?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The endpoint takes `n` for several generations in one call. */
  readonly supportsN?: boolean;
}
