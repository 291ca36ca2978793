import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { startConnectWatcher, type ConnectWatcher, type ConnectWatcherOptions } from './connect-watcher.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

/** Says back what it hears, and ends when the other side does. */
const echo = (): Promise<number> => listening(createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket)));

async function watch(options: Partial<ConnectWatcherOptions> = {}): Promise<ConnectWatcher & { readonly told: string[] }> {
  const told: string[] = [];
  const watcher = await startConnectWatcher({ isModelHost: (host) => host === 'localhost', onModelHost: (host) => told.push(host), ...options });
  closing.push(() => watcher.close());
  return Object.assign(watcher, { told });
}

/** Sends a head, then what follows, and gives everything that comes back until the end. */
async function exchange(watcher: ConnectWatcher, head: string, body = '', end = true): Promise<string> {
  const { port } = new URL(watcher.url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  socket.write(`${head}\r\n\r\n${body}`);
  if (end) socket.end();
  await once(socket, 'end');
  socket.destroy();
  return received;
}

describe('the watcher of calls past the gateway', () => {
  it('lets everything through, byte by byte, and says once which model host was reached', async () => {
    const port = await echo();
    const watcher = await watch();
    for (let i = 0; i < 3; i++) {
      const answer = await exchange(watcher, `CONNECT localhost:${port} HTTP/1.1\r\nHost: localhost:${port}`, `early ${i}`);
      expect(answer).toBe(`HTTP/1.1 200 Connection Established\r\n\r\nearly ${i}`);
    }
    await exchange(watcher, `CONNECT 127.0.0.1:${port} HTTP/1.1`);
    expect(watcher.told).toEqual(['localhost']);
    expect([...watcher.reached]).toEqual([['localhost', 3]]);
  });

  it('goes through the proxy that was there before, with its password', async () => {
    const port = await echo();
    const heads: string[] = [];
    const next = createHttpServer();
    next.on('connect', (request, client: Socket, head: Buffer) => {
      heads.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`);
      const far = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\nvia: next\r\n\r\n');
        far.write(head);
        client.pipe(far).pipe(client);
      });
    });
    const watcher = await watch({ proxy: `http://user:p%40ss@127.0.0.1:${await listening(next)}` });
    expect(await exchange(watcher, 'CONNECT models.example:443 HTTP/1.1', 'hello')).toBe('HTTP/1.1 200 OK\r\nvia: next\r\n\r\nhello');
    expect(heads).toEqual([`models.example:443 Basic ${Buffer.from('user:p@ss').toString('base64')}`]);
  });

  it('hands on what the next proxy says against it', async () => {
    const next = createHttpServer();
    next.on('connect', (_request, client: Socket) => client.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n'));
    const watcher = await watch({ proxy: `127.0.0.1:${await listening(next)}` });
    expect(await exchange(watcher, 'CONNECT models.example:443 HTTP/1.1', '', false)).toContain('407 Proxy Authentication Required');
  });

  it.each([
    ['CONNECT 127.0.0.1:1 HTTP/1.1', '502 Bad Gateway'],
    ['CONNECT nonsense HTTP/1.1', '400 Bad Request'],
    ['CONNECT host:99999 HTTP/1.1', '400 Bad Request'],
    ['GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: x', '405'],
  ])('answers %s with %s', async (head, said) => {
    expect(await exchange(await watch(), head, '', false)).toContain(said);
  });

  it('says that the next proxy is not there', async () => {
    expect(await exchange(await watch({ proxy: 'http://127.0.0.1:1' }), 'CONNECT models.example:443 HTTP/1.1', '', false)).toContain('502 Bad Gateway');
  });

  it('ends the far side when the client goes, and the client when the far side goes', async () => {
    const far: Socket[] = [];
    const port = await listening(createServer((socket) => far.push(socket.on('error', () => {}))));
    const watcher = await watch();
    const client = connect(Number(new URL(watcher.url).port), '127.0.0.1');
    client.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`);
    await once(client, 'data');
    client.destroy();
    while (far.length === 0) await new Promise((resolve) => setImmediate(resolve));
    if (!far[0]!.destroyed) await once(far[0]!, 'close');
    const other = connect(Number(new URL(watcher.url).port), '127.0.0.1');
    other.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`);
    await once(other, 'data');
    while (far.length < 2) await new Promise((resolve) => setImmediate(resolve));
    far[1]!.destroy();
    await once(other, 'close');
    expect(other.destroyed).toBe(true);
  });

  it('closes with tunnels open', async () => {
    const port = await echo();
    const watcher = await watch();
    const client = connect(Number(new URL(watcher.url).port), '127.0.0.1');
    client.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`);
    await once(client, 'data');
    const ended = once(client, 'close');
    await watcher.close();
    await ended;
    expect(client.destroyed).toBe(true);
  });

  it('refuses a proxy that it cannot go through', async () => {
    await expect(watch({ proxy: 'socks5://127.0.0.1:1' })).rejects.toThrow('HTTPS_PROXY');
  });
});
