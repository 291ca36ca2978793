/**
 * The least that a proxy over undici does: reads the request, dispatches it, pipes the answer back. Prints its port.
 * Usage: node bare-proxy.ts http://HOST:PORT
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2]!, { allowH2: false });

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
    pool.dispatch(
      { path: request.url!, method: 'POST', headers, body: Buffer.concat(chunks) },
      {
        onRequestStart: () => {},
        onResponseStart: (_controller, status, { connection: _c, 'transfer-encoding': _t, ...rest }) => response.writeHead(status, rest),
        onResponseData: (controller, chunk) => {
          if (response.write(chunk)) return;
          controller.pause();
          response.once('drain', () => controller.resume());
        },
        onResponseEnd: () => response.end(),
        onResponseError: () => response.destroy(),
      },
    );
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
process.stdin.on('end', () => process.exit()).resume();
