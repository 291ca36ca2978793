/**
 * Tokens of one image whose size is not known from the request: 85 for `detail: low`; otherwise 765, the figure given
 * for a 1024 × 1024 image at high detail (85 + 4 tiles of 170). Models that count by patches differ.
 *
 * Source: OpenAI, "Images and vision", calculating costs.
 */
export function openAiImageTokens(detail: string | undefined): number {
  return detail === 'low' ? 85 : 765;
}
