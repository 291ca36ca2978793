const CREDENTIAL_NAME = /authorization|api-?key|[-_]key$|^key$|token(?!s)|secret|password|cookie|credential|signature|^sig$/i;
/** A shorter value is too likely to be an ordinary word. */
const SHORTEST = 6;

/** Takes the credentials of a request, in its headers, query and address, out of a text. */
export function hideCredentials(text: string, sent: { readonly url: string; readonly headers: Readonly<Record<string, string>> }): string {
  const { searchParams, password } = new URL(sent.url);
  let clean = text;
  for (const [name, value] of [...Object.entries(sent.headers), ...searchParams, ['password', password] as const]) {
    if (!CREDENTIAL_NAME.test(name)) continue;
    // `Bearer KEY` is quoted whole or as the key alone.
    for (const secret of [value, value.replace(/^\S+\s+/, '')]) {
      if (secret.length >= SHORTEST) clean = clean.replaceAll(secret, `[redacted:${name}]`);
    }
  }
  return clean;
}
