import { PassThrough } from 'node:stream';
import { looksLikeModelCall } from '../protocols/index.ts';
import type { UpstreamKind } from './contract.ts';
import { brokenRefusal, hungUp } from './broken-refusal.ts';
import { Exchange } from './exchange.ts';
import type { GatewayCore, Inbound } from './gateway-core.ts';
import { checkLength } from './read-body.ts';
import { outgoingHeaders, outgoingPath } from './request-headers.ts';

/**
 * Forwards what is no model call, or none that can be read: nothing is held, recorded or limited.
 *
 * @param read the body, where it was read already
 */
export async function forwardUncounted(core: GatewayCore, inbound: Inbound, read?: { readonly body: Buffer }): Promise<void> {
  const { request, client, mount } = inbound;
  const method = request.method ?? 'GET';
  warnOfModelCall(core, inbound, method);
  checkLength(request, core.maxBodyBytes);
  const path = outgoingPath(inbound.path, mount.upstream, core.access.isToken);
  const length = request.headers['content-length'];
  const streams = read === undefined && (length !== undefined || request.headers['transfer-encoding'] !== undefined);
  const { list } = outgoingHeaders(request.rawHeaders, { upstream: mount.upstream, connection: request.headers.connection, isToken: core.access.isToken });
  inbound.invite();
  // Apart from the request itself: the upstream may answer before it has read all, and breaks off what it reads from.
  const body = streams ? request.pipe(new PassThrough()) : null;
  const exchange = new Exchange({
    dispatcher: core.dispatcher,
    origin: mount.origin,
    path,
    method,
    headers: streams && length !== undefined ? [...list, 'content-length', length] : list,
    body: read?.body ?? body,
    idleTimeoutMs: core.idleTimeoutMs,
    client,
    added: {},
    streams: true,
    trailers: false,
    clock: core.meter.clock,
  });
  core.figures.uncounted();
  const broken = await exchange.run();
  if (client.gone) return;
  if (exchange.whole) return exchange.finish({});
  if (client.headSent || hungUp(broken)) return client.breakOff();
  throw brokenRefusal(mount.origin, broken, core.idleTimeoutMs);
}

/** The vendors' own hosts: what their paths mean holds wherever an upstream of the kind stands. */
const HOSTS: Readonly<Record<UpstreamKind, string>> = {
  openai: 'api.openai.com',
  azure: 'resource.openai.azure.com',
  anthropic: 'api.anthropic.com',
  gemini: 'generativelanguage.googleapis.com',
  ollama: '127.0.0.1:11434',
  openrouter: 'openrouter.ai',
};

/** Work that is ordered in one request and done later: batches, assistants' runs, fine-tuning. */
const ORDERS_WORK = /\/(?:batches|threads\/(?:[^/]+\/)?runs|fine_tuning\/jobs|videos)\/?$|:batchGenerateContent$/;

function warnOfModelCall({ warnOnce }: GatewayCore, { mount, path }: Inbound, method: string): void {
  if (method !== 'POST') return;
  const { name, kind } = mount.upstream;
  const bare = path.replace(/\?.*$/s, '');
  if (looksLikeModelCall(HOSTS[kind], bare) || looksLikeModelCall(new URL(mount.origin).host, bare)) warnOnce(`${name}: a call of ${bare} was let through uncounted: its format cannot be read`);
  else if (ORDERS_WORK.test(bare)) warnOnce(`${name}: work ordered by ${bare} is done later, and its tokens are not counted`);
}
