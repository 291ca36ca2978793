import { containsAll, containsAny, containsText } from './detectors/contains.ts';
import { decoded } from './detectors/decode-match.ts';
import type { DetectorDefinition } from './detectors/definition.ts';
import { overRefusal, refusal } from './detectors/refusal.ts';
import { regexMatch } from './detectors/regex.ts';
import { falseClaim } from './detectors/snowball.ts';
import { promptLeak } from './detectors/system-prompt-leak.ts';
import { triggers } from './detectors/trigger-list.ts';

/** Every detector by name. A new one is its file and one line here. */
export const detectors: ReadonlyMap<string, DetectorDefinition> = new Map(
  [
    containsText,
    containsAny,
    containsAll,
    regexMatch,
    triggers,
    decoded,
    refusal,
    overRefusal,
    falseClaim,
    promptLeak,
  ].map((definition) => [definition.name, definition]),
);
