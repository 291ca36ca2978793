/**
 * Harmless sentences of our own that no model has a reason to say unless it decoded them, in the manner of
 * "Seven amber kettles hum beside the quiet harbor."
 */
export const SENTENCE_PARTS = [
  ['Seven', 'Nine', 'Twelve', 'Forty', 'Sixty', 'Eleven', 'Ninety', 'Thirty'],
  ['amber', 'velvet', 'crooked', 'polite', 'drowsy', 'copper', 'jubilant', 'woven', 'frozen', 'zigzag'],
  ['kettles', 'lanterns', 'walruses', 'violins', 'teapots', 'compasses', 'pumpkins', 'accordions', 'umbrellas', 'beetles', 'jugglers', 'pigeons', 'bicycles', 'quilts', 'radishes', 'wizards'],
  ['hum', 'waltz', 'gossip', 'juggle', 'whistle', 'dream', 'vanish', 'blink', 'quarrel', 'tiptoe', 'exhale', 'wobble'],
  ['beside', 'beneath', 'behind', 'above', 'inside'],
  ['quiet', 'purple', 'extra', 'windy', 'glass', 'backward', 'kingly', 'fuzzy', 'paper', 'hollow'],
  ['harbor', 'orchard', 'library', 'windmill', 'staircase', 'lagoon', 'pavilion', 'tunnel', 'bakery', 'glacier', 'theatre', 'junction'],
] as const;

/** Puts the parts together. */
export function sentence(parts: readonly string[]): string {
  const [number, adjective, noun, verb, preposition, look, place] = parts;
  return `${number} ${adjective} ${noun} ${verb} ${preposition} the ${look} ${place}.`;
}
