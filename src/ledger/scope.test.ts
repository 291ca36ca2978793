import { describe, expect, it } from 'vitest';
import { currentScope, currentTallies, withScope } from './scope.ts';
import { Tally } from './tally.ts';

describe('withScope', () => {
  it('is empty outside any scope', () => {
    expect(currentScope()).toEqual({});
  });

  it('adds to what surrounds it and ends with its function', async () => {
    await withScope({ runId: 'r', role: 'target' }, async () => {
      await withScope({ goalIndex: 3, role: 'judge' }, async () => {
        await Promise.resolve();
        expect(currentScope()).toEqual({ runId: 'r', goalIndex: 3, role: 'judge' });
      });
      expect(currentScope()).toEqual({ runId: 'r', role: 'target' });
    });
    expect(currentScope()).toEqual({});
  });

  it('joins nested branches into a path', () => {
    withScope({ branch: 'a' }, () => withScope({ branch: 'b' }, () => expect(currentScope().branch).toBe('a/b')));
  });

  it('keeps concurrent scopes apart', async () => {
    const seen = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        withScope({ goalIndex: i }, async () => {
          for (let turn = 0; turn < i % 7; turn++) await Promise.resolve();
          return currentScope().goalIndex;
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('hands every surrounding tally to a call, outermost first', () => {
    const outer = new Tally();
    const inner = new Tally();
    withScope({}, () => withScope({}, () => expect(currentTallies()).toEqual([outer, inner]), inner), outer);
  });
});
