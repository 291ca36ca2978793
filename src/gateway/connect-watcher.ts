import { createServer, type IncomingMessage } from 'node:http';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { AssayError, describeError } from '../core/index.ts';

export interface ConnectWatcherOptions {
  /** Whether a host serves models. */
  readonly isModelHost: (host: string) => boolean;
  /** Told once for each model host that is reached. */
  readonly onModelHost: (host: string) => void;
  /** A proxy that stands between here and the rest of the world, e.g. `http://user:password@proxy:3128`. */
  readonly proxy?: string;
  /** Longest time for a connection to come about, in ms. 30,000 by default. */
  readonly connectTimeoutMs?: number;
}

/** An HTTPS proxy on this machine that lets everything through and notices which model hosts are reached past the gateway. */
export interface ConnectWatcher {
  /** `http://127.0.0.1:PORT`, as `HTTPS_PROXY` takes it. */
  readonly url: string;
  /** Tunnels opened to each model host. */
  readonly reached: ReadonlyMap<string, number>;
  /** Ends all tunnels and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts the watcher. It sees host names, and nothing of what passes: the tunnels are the program's own TLS.
 *
 * @throws AssayError where it cannot listen, or the proxy's address cannot be used
 */
export async function startConnectWatcher(options: ConnectWatcherOptions): Promise<ConnectWatcher> {
  const reached = new Map<string, number>();
  const sockets = new Set<Duplex>();
  const proxy = options.proxy === undefined ? undefined : proxyUrl(options.proxy);
  const server = createServer((_request, response) => {
    response.writeHead(405, { 'content-type': 'text/plain', connection: 'close' });
    response.end('this proxy opens tunnels (CONNECT) and nothing else\n');
  });
  const keep = <T extends Duplex>(socket: T): T => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Whichever side breaks, the other is ended below.
    socket.on('error', () => {});
    return socket;
  };
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    keep(client);
    const target = hostAndPort(request.url ?? '');
    if (target === undefined) return refuse(client, 400, 'the address to connect to cannot be read');
    if (options.isModelHost(target.host)) {
      const before = reached.get(target.host) ?? 0;
      reached.set(target.host, before + 1);
      if (before === 0) options.onModelHost(target.host);
    }
    const timeoutMs = options.connectTimeoutMs ?? 30_000;
    if (proxy === undefined) tunnel(client, head, keep(connectTcp({ host: target.host, port: target.port, autoSelectFamily: true })), timeoutMs);
    else chain({ client, head, authority: target.authority, proxy, timeoutMs, keep });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new AssayError({ code: 'network', message: `the proxy that watches for uncounted calls cannot listen: ${describeError(cause)}`, cause })));
    server.listen({ host: '127.0.0.1', port: 0 }, () => resolve());
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reached,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Joins two sockets once the far one is open: what one ends is ended on the other, half by half. */
function tunnel(client: Duplex, head: Buffer, upstream: Socket, timeoutMs: number): void {
  let open = false;
  upstream.setTimeout(timeoutMs, () => upstream.destroy(new Error('the connection did not come about in time')));
  upstream.once('connect', () => {
    open = true;
    upstream.setTimeout(0);
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    join(client, upstream, head);
  });
  upstream.once('error', (error) => {
    if (!open) refuse(client, 502, describeError(error));
  });
  client.once('close', () => upstream.destroy());
}

function join(client: Duplex, upstream: Duplex, head: Buffer): void {
  if (head.length > 0) upstream.write(head);
  client.pipe(upstream);
  upstream.pipe(client);
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
}

interface Chained {
  readonly client: Duplex;
  readonly head: Buffer;
  readonly authority: string;
  readonly proxy: URL;
  readonly timeoutMs: number;
  readonly keep: <T extends Duplex>(socket: T) => T;
}

const LONGEST_HEAD = 64 * 1024;

/** Asks the next proxy for the tunnel, and gives its answer to the client as it came. */
function chain({ client, head, authority, proxy, timeoutMs, keep }: Chained): void {
  const secure = proxy.protocol === 'https:';
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const port = Number(proxy.port === '' ? (secure ? 443 : 80) : proxy.port);
  const upstream: Socket = keep(secure ? connectTls({ host, port, servername: /^[\d.]+$|:/.test(host) ? '' : host }) : connectTcp({ host, port, autoSelectFamily: true }));
  let answered = false;
  upstream.setTimeout(timeoutMs, () => upstream.destroy(new Error('the next proxy did not answer in time')));
  upstream.once(secure ? 'secureConnect' : 'connect', () => {
    const credentials = proxy.username === '' ? '' : `Proxy-Authorization: Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}\r\n`;
    upstream.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
  });
  let received = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end === -1 && received.length <= LONGEST_HEAD) return;
    answered = true;
    upstream.off('data', onData);
    upstream.pause();
    upstream.setTimeout(0);
    // Whatever it says, a refusal with its reason included, is the client's to read.
    client.write(received);
    join(client, upstream, head);
  };
  upstream.on('data', onData);
  upstream.once('error', (error) => {
    if (!answered) refuse(client, 502, `the next proxy: ${describeError(error)}`);
  });
  upstream.once('close', () => {
    if (!answered) refuse(client, 502, 'the next proxy closed the connection');
  });
  client.once('close', () => upstream.destroy());
}

function refuse(client: Duplex, status: number, reason: string): void {
  if (client.destroyed || client.writableEnded) return;
  const names: Readonly<Record<number, string>> = { 400: 'Bad Request', 502: 'Bad Gateway' };
  client.end(`HTTP/1.1 ${status} ${names[status] ?? 'Error'}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${reason.replaceAll(/[\r\n]+/g, ' ')}\n`, () => client.destroy());
}

function hostAndPort(text: string): { readonly host: string; readonly port: number; readonly authority: string } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host: host.toLowerCase(), port, authority: text };
}

function proxyUrl(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return url;
  throw new AssayError({ code: 'config', message: 'the proxy that the environment names (HTTPS_PROXY) cannot be read', hint: 'it must be an http:// or https:// address' });
}
