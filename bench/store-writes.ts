/*
 * How fast the store writes, on this machine's disk:  node bench/store-writes.ts [calls] [folder]
 * Prints write ops a second for large batches, for many single writes at once, and for one writer that waits for each.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '../src/core/index.ts';
import type { CallIntent, CallSettlement } from '../src/core/index.ts';
import type { WriteOp } from '../src/store/index.ts';
import { openStore } from '../src/store/index.ts';
import { createRedactor } from '../src/store/index.ts';

const calls = Number(process.argv[2] ?? 100_000);
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'assay-bench-'));

function intent(n: number): CallIntent {
  return {
    id: newId(),
    logicalId: newId(),
    retry: 0,
    scope: { runId: '20260101-120000-k3f9', goalIndex: n >> 1, attemptKey: 'attempt-0', role: 'target' },
    target: 'openai:gpt-4.1-mini',
    deployment: 'openai/api.example/gpt-4.1-mini',
    protocol: 'openai-chat',
    modelAsked: 'gpt-4.1-mini',
    stream: false,
    simulated: false,
    queuedAt: 1_750_000_000_000 + n,
    sentAt: 1_750_000_000_000 + n,
    waitedMs: 0,
    reservedTokens: 500,
  };
}

function settlement(id: string): CallSettlement {
  const raw = { prompt_tokens: 120, completion_tokens: 80, total_tokens: 200, prompt_tokens_details: { cached_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0 } };
  return {
    id,
    status: 'ok',
    httpStatus: 200,
    modelAnswered: 'gpt-4.1-mini-2025-04-14',
    usage: { inputFresh: 120, cacheRead: 0, cacheWrite: undefined, outputText: 80, reasoning: 0, source: 'reported', raw },
    costUsd: 0.000_176,
    firstTokenMs: null,
    totalMs: 830,
    finishReason: 'stop',
    requestId: `req_${id}`,
    error: null,
  };
}

async function timed(name: string, ops: number, work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`${name.padEnd(56)} ${Math.round(ops / seconds).toLocaleString('en')} ops/s\n`);
}

try {
  for (const durability of ['normal', 'full'] as const) {
    const redact = createRedactor(['sk-live-0123456789abcdef', 'another-secret-value', 'third/secret+value=']);
    const store = await openStore(`sqlite:${join(folder, `${durability}.db`)}`, { durability, redact });
    const some = durability === 'normal' ? calls : Math.ceil(calls / 10);
    await timed(`${durability}: open + settle, 1,000 ops a write`, some * 2, async () => {
      for (let n = 0; n < some; n += 500) {
        const intents = Array.from({ length: 500 }, (_, i) => intent(n + i));
        await store.write(...intents.map((one): WriteOp => ({ op: 'call.open', intent: one })));
        await store.write(...intents.map((one): WriteOp => ({ op: 'call.settle', settlement: settlement(one.id) })));
      }
    });
    for (const writers of [1_000, 100, 10, 1]) {
      const share = Math.ceil((writers === 1 ? some / 10 : some / 2) / writers);
      await timed(`${durability}: open, then settle, one op a write, ${writers} at once`, share * writers * 2, async () => {
        await Promise.all(
          Array.from({ length: writers }, async () => {
            for (let n = 0; n < share; n++) {
              const one = intent(n);
              await store.write({ op: 'call.open', intent: one });
              await store.write({ op: 'call.settle', settlement: settlement(one.id) });
            }
          }),
        );
      });
    }
    await store.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
