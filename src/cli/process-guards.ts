import { writeSync } from 'node:fs';
import { EXIT } from './exit-code.ts';
import type { OutStream } from './io.ts';

/** What Node exits with where the main module waits for what never comes. */
const UNSETTLED = 13;

/**
 * Leaves stdout to the command alone: what other code in this process prints there (an experiment's `console.log`, a library's notice)
 * goes to stderr from now on.
 *
 * @returns the real stdout
 */
export function claimStdout({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>): OutStream {
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  return {
    write: (text, done) => write(text, done),
    on: (event, listener) => stdout.on(event, listener),
    isTTY: stdout.isTTY,
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
  };
}

/**
 * Says so where the process ends before its command has: code that was loaded called `process.exit`, or awaits what never comes. Such an
 * end must not pass for success.
 *
 * @returns how to say that the command has ended
 */
export function watchForEarlyEnd(process: NodeJS.Process): () => void {
  let crashed = false;
  const onCrash = (): void => void (crashed = true);
  const onExit = (code: number): void => {
    // Node has said why.
    if (crashed) return;
    const waiting = process.exitCode === UNSETTLED;
    if (waiting || code === EXIT.done) process.exitCode = EXIT.incomplete;
    const what = waiting ? 'the command has not ended, and nothing is left that it could wait for' : 'code that was loaded ended the process (process.exit) before the command had ended';
    try {
      writeSync(process.stderr.fd, `error: ${what}\nhint: look for it in your own module; what was recorded is kept, \`assay runs\` shows it\n`);
    } catch {
      // Nobody reads any more.
    }
  };
  process.on('uncaughtExceptionMonitor', onCrash);
  process.on('exit', onExit);
  return () => {
    process.off('uncaughtExceptionMonitor', onCrash);
    process.off('exit', onExit);
  };
}
