/**
 * A program that knows nothing of Assay: summarises 60 notes with the model behind OPENAI_BASE_URL, six at a time, streams every third
 * answer, and tries again what fails. `assay exec` is put in front of it in the demo.
 */
const NOTES = 60;
const SIDE_BY_SIDE = 6;
const TRIES = 8;

const base = process.env['OPENAI_BASE_URL'] ?? '';
let next = 0;
let answered = 0;

await Promise.all(Array.from({ length: SIDE_BY_SIDE }, summariseNotes));
process.stdout.write(`the program is done: ${answered} of ${NOTES} notes summarised\n`);
if (answered < NOTES) process.exitCode = 1;

async function summariseNotes(): Promise<void> {
  while (next < NOTES) {
    const note = next++;
    for (let failures = 0; failures < TRIES; failures++) {
      if (!(await summarise(note).catch(() => false))) continue;
      answered++;
      break;
    }
  }
}

async function summarise(note: number): Promise<boolean> {
  const response = await fetch(`${base}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'weak', stream: note % 3 === 0, messages: [{ role: 'user', content: `Summarise note ${note}: the harvest was good and the barn is full.` }] }),
  });
  const text = await response.text();
  return response.ok && (note % 3 === 0 ? text.includes('[DONE]') : text.trimEnd().endsWith('}'));
}
