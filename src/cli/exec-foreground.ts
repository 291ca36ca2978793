import { readFileSync } from 'node:fs';

/** Signals that a terminal sends to every process of its foreground group. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Whether a command in this process's own group has a signal already: a Ctrl-C at the terminal goes to the whole foreground group, and
 * passed on it would arrive twice.
 */
export function heardByGroup(signal: NodeJS.Signals): boolean {
  return FROM_TERMINAL.has(signal) && inForeground();
}

/** Whether this process belongs to its terminal's foreground group (fields 5 and 8 of proc(5)'s stat). */
function inForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[2] === fields[5];
  } catch {
    return process.stdin.isTTY || process.stderr.isTTY;
  }
}
