/** What to say to the mock so that it answers in a certain way. */
export const PROMPTS = {
  whole: 'Say something.',
  /** Throttled twice, then answered. */
  refusedTwice: 'Refuse me two times.',
  /** Always a server's error. */
  broken: 'Break down.',
  /** Refused by a content filter. */
  filtered: 'Say something forbidden.',
  /** The connection ends within the stream. */
  cut: 'Stop in the middle.',
  /** No JSON at all. */
  rubbish: 'Talk rubbish.',
  /** The connection ends before there is an answer. */
  hangUp: 'Hang up.',
  /** A long answer in many pieces, with pauses. */
  slow: 'Speak slowly.',
  /** Calls the tool `weather` once. */
  tool: 'How is the weather?',
  /** `{"city":"Paris","warm":true}` */
  json: 'Answer in JSON.',
} as const;
