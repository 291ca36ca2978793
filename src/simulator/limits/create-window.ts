import { FixedWindow } from './fixed-window.ts';
import { SlidingWindow } from './sliding-window.ts';
import { SubWindows } from './sub-windows.ts';
import { TokenBucket } from './token-bucket.ts';
import type { LimitKind, RateWindow, WindowSpec } from './window.ts';

/** Makes one limit of the given kind. */
export function createWindow(kind: LimitKind, spec: WindowSpec): RateWindow {
  switch (kind) {
    case 'token-bucket':
      return new TokenBucket(spec);
    case 'fixed-window':
      return new FixedWindow(spec);
    case 'sliding-window':
      return new SlidingWindow(spec);
    case 'sub-windows':
      return new SubWindows(spec);
  }
}
