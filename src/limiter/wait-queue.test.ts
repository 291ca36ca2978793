import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitQueue, type Waiter } from './wait-queue.ts';

function waiter(retry = 0): Waiter {
  return { request: { deployment: 'd', promptTokens: 0, maxOutputTokens: 0, retry }, queuedAt: 0, left: [], resolve: () => {}, reject: () => {}, unlisten: () => {}, headSince: undefined, gone: false };
}

describe('WaitQueue', () => {
  it('puts retries before what never left, each first in first out', () => {
    const queue = new WaitQueue();
    const [a, b, c, d] = [waiter(), waiter(1), waiter(), waiter(2)];
    for (const each of [a, b, c, d]) queue.push(each);
    const order: Waiter[] = [];
    for (let first = queue.peek(); first !== undefined; first = queue.peek()) {
      order.push(first);
      queue.remove(first);
    }
    expect(order).toEqual([b, d, a, c]);
  });

  it('keeps order and size under any leaving from anywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('push' as const), fc.constant('pop' as const), fc.nat(200)), { maxLength: 400 }), (steps) => {
        const queue = new WaitQueue();
        let model: Waiter[] = [];
        for (const step of steps) {
          if (step === 'push') {
            const next = waiter();
            queue.push(next);
            model.push(next);
          } else if (model.length > 0) {
            const leaving = step === 'pop' ? model[0]! : model[step % model.length]!;
            queue.remove(leaving);
            queue.remove(leaving);
            model = model.filter((each) => each !== leaving);
          }
          expect(queue.peek()).toBe(model[0]);
          expect(queue.size).toBe(model.length);
        }
        expect([...queue]).toEqual(model);
      }),
    );
  });
});
