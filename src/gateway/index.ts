export {
  UPSTREAM_KINDS,
  type Gateway,
  type GatewayFigures,
  type GatewayOptions,
  type GatewayScope,
  type ReplayOptions,
  type ReportedScore,
  type ScopeOptions,
  type Upstream,
  type UpstreamKind,
} from './contract.ts';
export { startGateway } from './start-gateway.ts';
export { startConnectWatcher, type ConnectWatcher, type ConnectWatcherOptions } from './connect-watcher.ts';
