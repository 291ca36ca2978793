import type { IncomingHttpHeaders } from 'node:http';
import { completionTokens, promptTokens, totals, type Usage } from '../core/index.ts';
import type { StoredAnswer } from '../store/contract.ts';
import { admitCall, describeCall, describeFailure, mayBeRetried, UsageChunkFilter, type BrokenOff, type DescribedCall, type MeteredCall, type MeteredEnd } from '../transport/index.ts';
import type { Charged } from './scope-registry.ts';
import { brokenRefusal, hungUp } from './broken-refusal.ts';
import { Exchange, TOKEN_HEADERS } from './exchange.ts';
import { forwardUncounted } from './forward-uncounted.ts';
import type { GatewayCore, Inbound } from './gateway-core.ts';
import { checkLength, plainText, readBody } from './read-body.ts';
import { answerKey, replayedFate, replayedIntent, type ReplayBook } from './replay-book.ts';
import { refusalOf } from './refusal.ts';
import { outgoingHeaders, outgoingPath } from './request-headers.ts';
import type { HeadersOut } from './response-headers.ts';

const SOON_MS = 1_000;

/** The caller wants no stored answer. */
const NO_REPLAY_HEADER = 'x-assay-no-replay';

/**
 * One model call: admit → commit the intent → forward → read along → settle → release. Never retried.
 *
 * @throws Refusal, or what the limiter or the store throws, where it did not leave
 */
export async function answerCounted(core: GatewayCore, inbound: Inbound): Promise<void> {
  const { request, client, mount, charged } = inbound;
  checkLength(request, core.maxBodyBytes);
  inbound.invite();
  const body = await readBody(request, core.maxBodyBytes);
  const text = await plainText(body, request.headers['content-encoding'], core.maxBodyBytes);
  const method = request.method ?? 'POST';
  const path = outgoingPath(inbound.path, mount.upstream, core.access.isToken);
  const headersWith = (replaced: Readonly<Record<string, string | null>>) =>
    outgoingHeaders(request.rawHeaders, { upstream: mount.upstream, connection: request.headers.connection, isToken: core.access.isToken, replaced });
  const headers = headersWith({});
  const described = describeCall({ method, url: new URL(mount.origin + path), headers: headers.byName, body: text }, core.places);
  if (described === undefined) return forwardUncounted(core, inbound, { body });

  const replay = replayOf(core, charged, { upstream: mount.upstream.name, method, path, body: text });
  if (replay !== undefined) {
    const stored = await replay.book.next(replay.key, { give: replay.lookUp && request.headers[NO_REPLAY_HEADER] === undefined });
    if (stored !== undefined) return giveStored(core, inbound, described, stored);
  }
  charged.options.mayCall?.({ model: described.asked.model ?? null, deployment: described.deployment });

  const filter = described.bodyWithUsage === undefined ? undefined : new UsageChunkFilter();
  // What is taken out of the stream must be readable, and the body is ours now.
  const changed: Readonly<Record<string, string | null>> = filter === undefined ? {} : { 'accept-encoding': 'identity', 'content-encoding': null };
  const tried = core.retriedCalls.begin(described, charged.scope, text);
  const metered = await admitted(core, inbound, { ...described, logicalId: tried.logicalId, retry: tried.retry }, replay !== undefined);
  const id = metered.intent.id;
  const marked: Readonly<Record<string, string>> = described.simulated ? { 'x-assay-call': id } : {};
  const outgoing = filter === undefined && !described.simulated ? headers : headersWith({ ...changed, ...marked });
  let end: MeteredEnd | undefined;
  try {
    const exchange = new Exchange({
      dispatcher: core.dispatcher,
      origin: mount.origin,
      path,
      method,
      headers: outgoing.list,
      body: described.bodyWithUsage ?? body,
      idleTimeoutMs: core.idleTimeoutMs,
      client,
      added: describedBy(core, metered),
      reader: metered.reader,
      ...(filter === undefined ? {} : { filter }),
      streams: described.asked.stream,
      trailers: takesTrailers(request.httpVersion, request.headers.te),
      clock: core.meter.clock,
    });
    metered.left();
    const broken = await exchange.run();
    if (mayBeRetried(metered.reader.httpStatus, broken.breakage)) tried.failed();
    // The answer's end waits for its row: whoever has seen the end finds the call in the books.
    end = await settled(core, metered, broken, replay);
    conclude(core, inbound, exchange, broken, end?.usage);
  } finally {
    metered.release();
    core.figures.ended(end === undefined ? undefined : { ...end, deployment: metered.intent.deployment });
  }
}

async function admitted(core: GatewayCore, { client, charged }: Inbound, described: DescribedCall, keepsStreams: boolean): Promise<MeteredCall> {
  const { longestWaitMs, meter, figures } = core;
  figures.waits();
  let waitedMs: number | undefined;
  try {
    const metered = await charged.enter(() =>
      admitCall(meter, {
        ...described,
        via: 'gateway',
        keepsStreams,
        signal: client.signal,
        longestPauseMs: longestWaitMs,
        deadline: meter.clock.now() + longestWaitMs,
        ...(charged.options.budgets === undefined ? {} : { budgets: charged.options.budgets }),
      }),
    );
    waitedMs = metered.intent.waitedMs;
    return metered;
  } catch (error) {
    const { paused_until } = core.limiter.statsOf(described.deployment);
    // Where nobody says when there will be room, the next turn in line is as good as any.
    throw refusalOf(error, () => (paused_until === null ? SOON_MS : paused_until - meter.clock.now()));
  } finally {
    figures.waitedFor(waitedMs);
  }
}

/** That a settlement cannot be written does not keep a paid answer from its client. */
async function settled(core: GatewayCore, metered: MeteredCall, broken: BrokenOff, replay: Replay | undefined): Promise<MeteredEnd | undefined> {
  try {
    return await metered.settle(broken, replay === undefined ? undefined : (end) => replay.book.keep(replay.key, end, core.meter.clock.now()));
  } catch (error) {
    core.warn(`call ${metered.intent.id} was answered, and its usage could not be recorded: ${describeFailure(error)}`);
    return undefined;
  }
}

function conclude(core: GatewayCore, { client, mount }: Inbound, exchange: Exchange, broken: BrokenOff, usage: Usage | undefined): void {
  if (client.gone) {
    if (client.droppedBecause !== undefined) core.warn(client.droppedBecause);
    return;
  }
  if (exchange.whole) return exchange.finish(usage === undefined ? {} : tokenHeaders(usage));
  exchange.drop();
  if (client.headSent || hungUp(broken)) return client.breakOff();
  throw brokenRefusal(mount.origin, broken, core.idleTimeoutMs);
}

interface Replay {
  readonly book: ReplayBook;
  readonly key: string;
  readonly lookUp: boolean;
}

function replayOf(core: GatewayCore, { scope, options }: Charged, asked: { readonly upstream: string; readonly method: string; readonly path: string; readonly body: string }): Replay | undefined {
  const { replay } = options;
  if (replay === undefined) return undefined;
  return { book: core.replayBook(replay.runId), key: answerKey({ scope, ...asked }), lookUp: replay.lookUp };
}

/** Answers as the upstream once did, once that is in the books. */
async function giveStored(core: GatewayCore, { client, charged }: Inbound, described: DescribedCall, stored: StoredAnswer): Promise<void> {
  const { ledger, clock } = core.meter;
  const { asked, deployment, simulated, logicalId, retry, protocol } = described;
  const call = { logicalId, retry, scope: charged.scope, deployment, protocol: protocol.name, modelAsked: asked.model ?? null, stream: asked.stream, simulated };
  const row = await charged.enter(() => ledger.open(replayedIntent(call, clock.now())));
  await row.settle(replayedFate(stored));
  core.figures.replayed();
  let body: Uint8Array = Buffer.from(stored.body);
  if (described.bodyWithUsage !== undefined && stored.httpStatus < 300) {
    const filter = new UsageChunkFilter();
    body = Buffer.concat([filter.push(body), filter.end()]);
  }
  client.head(stored.httpStatus, { ...stored.headers, 'content-length': String(body.length), 'x-assay-call': row.intent.id, 'x-assay-deployment': printable(deployment), 'x-assay-replayed': '1' });
  client.end(body);
}

function describedBy(core: GatewayCore, { intent }: MeteredCall): HeadersOut {
  const headers: HeadersOut = { 'x-assay-call': intent.id, 'x-assay-waited-ms': String(intent.waitedMs), 'x-assay-deployment': printable(intent.deployment) };
  const percentage = core.quotaPercentage(intent.deployment);
  if (percentage !== null) headers['x-assay-quota-percentage'] = percentage.toFixed(2);
  return headers;
}

function tokenHeaders(usage: Usage): HeadersOut {
  const sums = totals(usage);
  if (sums === undefined) return {};
  const [prompt, completion, total] = TOKEN_HEADERS;
  return {
    ...(promptTokens(usage) === undefined ? {} : { [prompt]: String(sums.prompt_tokens) }),
    ...(completionTokens(usage) === undefined ? {} : { [completion]: String(sums.completion_tokens) }),
    [total]: String(sums.total_tokens),
  };
}

/** Models may be named in any script; headers may not. */
function printable(name: string): string {
  return name.replaceAll(/[^\u0020-\u007E]/g, '?');
}

function takesTrailers(httpVersion: string, te: IncomingHttpHeaders[string]): boolean {
  return httpVersion === '1.1' && typeof te === 'string' && /(?:^|,)\s*trailers\b/i.test(te);
}
