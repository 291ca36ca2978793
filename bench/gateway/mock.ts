/**
 * A provider that answers chat completions at once, over bare sockets so that it costs next to nothing: JSON of about 1 KB, or where the
 * request says `"stream":true` 50 events, each in a write of its own. Prints its port. Usage: node mock.ts
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';

const EVENTS = 50;
const usage = { prompt_tokens: 25, completion_tokens: EVENTS, total_tokens: 25 + EVENTS };
const head = { id: 'chatcmpl-1', created: 1_750_000_000, model: 'gpt-4.1-mini-2025-04-14' };

const json = JSON.stringify({
  ...head,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'All work and no play makes an answer long. '.repeat(18) }, finish_reason: 'stop' }],
  usage,
});
const JSON_ANSWER = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\nx-request-id: req_1\r\n\r\n${json}`);

function event(part: object): Buffer {
  const data = `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...part })}\n\n`;
  return Buffer.from(`${data.length.toString(16)}\r\n${data}\r\n`);
}

const DONE = 'data: [DONE]\n\n';
const STREAM = [
  Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nx-request-id: req_1\r\n\r\n'),
  ...Array.from({ length: EVENTS - 2 }, (_, i) => event({ choices: [{ index: 0, delta: { content: ` word${i}` }, finish_reason: null }] })),
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
  Buffer.concat([event({ choices: [], usage }), Buffer.from(`${DONE.length.toString(16)}\r\n${DONE}\r\n0\r\n\r\n`)]),
];

const server = createServer({ noDelay: true }, (socket) => {
  let pending = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(pending.slice(0, end))?.[1] ?? 0);
      const chunked = /\r\ntransfer-encoding: *chunked/i.test(pending.slice(0, end));
      const bodyEnd = chunked ? pending.indexOf('\r\n0\r\n\r\n', end) + '\r\n0\r\n\r\n'.length : end + 4 + length;
      if (pending.length < bodyEnd || (chunked && bodyEnd < end)) return;
      const request = pending.slice(0, bodyEnd);
      pending = pending.slice(bodyEnd);
      if (/"stream": *true/.test(request)) streamTo(socket, 0);
      else socket.write(JSON_ANSWER);
    }
  });
});

function streamTo(socket: Socket, at: number): void {
  if (socket.destroyed) return;
  socket.write(STREAM[at]!);
  if (at + 1 < STREAM.length) setImmediate(streamTo, socket, at + 1);
}

server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
process.stdin.on('end', () => process.exit()).resume();
