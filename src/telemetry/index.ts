export type { ExportFigures, SignalPlace, Telemetry, TelemetrySettings } from './contract.ts';
export { telemetrySettings, type TelemetryConfig } from './settings.ts';
export { openTelemetry, type TelemetryOptions } from './telemetry.ts';
