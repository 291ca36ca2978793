import { createReadStream } from 'node:fs';
import { UsageError, describeError } from '../../../core/index.ts';

/** Longest line taken, in bytes: a file without line ends must not fill the memory. */
const LONGEST_LINE = 4 * 1024 * 1024;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/**
 * The lines of a UTF-8 file that are not blank, one at a time. Takes `\n` and `\r\n`; a byte order mark is dropped.
 *
 * @throws UsageError `input`, naming file and line, for a file that cannot be read, bytes that are not UTF-8 and lines too long
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let number = 0;
  let rest: Buffer[] = [];
  let restLength = 0;
  const decode = (bytes: Uint8Array): Line | undefined => {
    number++;
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch (error) {
      throw new UsageError({ code: 'input', message: `${file}:${number}: not UTF-8 text`, hint: 'save the file as UTF-8', cause: error });
    }
    const line = (number === 1 ? text.replace(/^\uFEFF/, '') : text).replace(/\r$/, '');
    return line.trim() === '' ? undefined : { number, text: line };
  };
  for await (const chunk of chunks(file)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end);
      const line = decode(rest.length === 0 ? piece : Buffer.concat([...rest, piece]));
      if (rest.length > 0) rest = [];
      restLength = 0;
      start = end + 1;
      if (line) yield line;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    restLength += chunk.length - start;
    if (restLength > LONGEST_LINE) {
      throw new UsageError({ code: 'input', message: `${file}:${number + 1}: longer than ${LONGEST_LINE} bytes`, hint: 'put each prompt on a line of its own' });
    }
  }
  const last = restLength > 0 ? decode(Buffer.concat(rest)) : undefined;
  if (last) yield last;
}

async function* chunks(file: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(file)) yield chunk as Buffer;
  } catch (error) {
    throw new UsageError({ code: 'input', message: `--prompts ${file}: ${describeError(error)}`, hint: 'name a readable file of prompts', cause: error });
  }
}
