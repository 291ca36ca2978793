/**
 * Names one of several answers to the same prompt, so that each is drawn by itself and a repeat draws the same again.
 *
 * @param request `seed` is the request's own; `header` is `x-assay-generation`. Where that is a number, choice `i` of
 *   one call with `n` is the same answer as a separate call with `header + i`
 */
export function generationName(request: { readonly seed: string | undefined; readonly header: string | undefined }, choice: number): string {
  const header = request.header ?? '0';
  const index = /^\d{1,9}$/.test(header) ? String(Number(header) + choice) : `${header}+${choice}`;
  return `${request.seed ?? ''}#${index}`;
}
