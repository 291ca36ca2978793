/**
 * Reads `name=value,name=value`, names and values percent-encoded, as OpenTelemetry's variables have it
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables). What is no pair is passed over.
 */
export function readKeyValueList(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').flatMap((member): [string, string][] => {
    const at = member.indexOf('=');
    const name = decoded(member.slice(0, at).trim());
    return at <= 0 || name === '' ? [] : [[name, decoded(member.slice(at + 1).trim())]];
  });
  return Object.fromEntries(pairs);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
