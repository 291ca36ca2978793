import { Option } from 'commander';

/** An option that takes one of some words; commander names them all when another is given. */
export function choice(flags: string, description: string, words: readonly string[]): Option {
  return new Option(flags, description).choices(words);
}
