/**
 * Assay as a library: put the parts together for a configuration, run it, read the ledger.
 *
 * @example
 * const assembly = await Assembly.open({ config: parseConfig({ suites: ['probes.encoding'], targets: ['sim:weak'] }) });
 * const handle = await createRun(assembly);
 * const end = await handle.execute();
 * await assembly.close();
 * @module
 */
export { Assembly, createRun, planDryRun, resumedConfig, resumeRun } from './assembly/index.ts';
export type { AssemblyOptions, ExecuteRunOptions, RunHandle } from './assembly/index.ts';
export { defaultConfig, defineConfig, loadConfig, mergeFlags, parseConfig } from './config/index.ts';
export type { AssayConfig, AssayConfigInput } from './config/index.ts';
export * from './core/index.ts';
export { dryRun, executeRun, ProgressCounter } from './engine/index.ts';
export type { AttemptResult, DryRun, ExecuteOptions, GoalContext, GoalPlan, PlanContext, RunEnd, RunProgress, Suite } from './engine/index.ts';
export { boundsIfUnscored, bootstrapByPrompt, detectors, parseDetectorSpec, wilson } from './graders/index.ts';
export type { Grade, Grader, GradeInput, Interval } from './graders/index.ts';
export { currentScope, Ledger, priceTable, SHIPPED_PRICES, Tally, withScope } from './ledger/index.ts';
export type { Price, PriceList, PriceTable } from './ledger/index.ts';
export { Budget, createLimiter, openSharedState } from './limiter/index.ts';
export type { AdmitRequest, DeploymentStats, Limiter, LimiterOptions, Limits, Quota, QuotaAlert, Reservation } from './limiter/index.ts';
export { openTarget, parseTargetSpec } from './models/index.ts';
export type { GenerateRequest, ProviderSettings, Target } from './models/index.ts';
export { protocols, readRateFacts, recogniseProtocol } from './protocols/index.ts';
export type { Protocol, RateFacts, RequestFacts, ResponseFacts, StreamReader } from './protocols/index.ts';
export { exportJsonl, runListView, runResultView, summarizeProbes, usageView } from './report/index.ts';
export type { ProbeResult, RunResultView, UsageView } from './report/index.ts';
export { startSimulator } from './simulator/index.ts';
export type { Simulator, SimulatorOptions, SimStats } from './simulator/index.ts';
export { createRedactor, openStore, recoverOrphans } from './store/index.ts';
export type { Store, WriteOp } from './store/index.ts';
export { createProbesSuite, listProbes, probesPlaybook } from './suites/index.ts';
export type { Probe, ProbeHooks, ProbesConfig } from './suites/index.ts';
export { CallError, DEFAULT_RETRY, NO_RETRY, Transport, transportFetch } from './transport/index.ts';
export type { Answer, OutgoingCall, RetryPolicy } from './transport/index.ts';
