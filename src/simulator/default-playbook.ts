import type { Playbook } from './playbook.ts';

/** Everyday behaviour, tried after all playbooks that are handed in. It leaks nothing. */
export const defaultPlaybook: Playbook = {
  name: 'everyday',
  rules: [
    {
      id: 'everyday.greeting',
      pattern: String.raw`^\s*(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there)?\s*[.!,]*\s*$`,
      chance: 1,
      benign: true,
      answer: 'Hello! How can I help you today?',
    },
    { id: 'everyday.thanks', pattern: String.raw`^\s*(?:thanks|thank you)\b[^?]{0,40}$`, chance: 1, benign: true, answer: "You're welcome!" },
    {
      id: 'everyday.arithmetic',
      pattern: String.raw`\b(?:what(?:'s| is)|calculate|compute)\s+(?<sum>\d{1,9}\s*[-+*/x×]\s*\d{1,9})\s*[?.!]*\s*$`,
      chance: 1,
      benign: true,
      answer: '{calculate:sum}',
    },
    {
      id: 'everyday.name',
      pattern: String.raw`\b(?:who are you|what is your name|what's your name)\b`,
      chance: 1,
      benign: true,
      answer: 'I am a simulated assistant. I have no name of my own.',
    },
    {
      id: 'everyday.instructions',
      pattern: String.raw`\b(?:system prompt|(?:your|previous|initial) (?:instructions|prompt))\b`,
      chance: 0,
      answer: '',
    },
  ],
};
