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
export { Assembly, createRun, installMeter, planDryRun, resumedConfig, resumeRun } from './assembly/index.ts';
export type { AssemblyOptions, ExecuteRunOptions, Meter, MeterOptions, RunHandle } from './assembly/index.ts';
export { defaultConfig, defineConfig, loadConfig, mergeFlags, parseConfig } from './config/index.ts';
export type { AssayConfig, AssayConfigInput } from './config/index.ts';
export * from './core/index.ts';
export { dryRun, executeRun, ProgressCounter } from './engine/index.ts';
export type { AttemptResult, DryRun, ExecuteOptions, GoalContext, GoalPlan, PlanContext, RunEnd, RunProgress, Suite } from './engine/index.ts';
export { startGateway, UPSTREAM_KINDS } from './gateway/index.ts';
export type { Gateway, GatewayOptions, GatewayScope, ReplayOptions, ReportedScore, ScopeOptions, Upstream, UpstreamKind } from './gateway/index.ts';
export { bootstrapMean, boundsIfUnscored, bootstrapByPrompt, comparePaired, compareUnpaired, detectors, holm, parseDetectorSpec, wilson } from './graders/index.ts';
export type { Grade, Grader, GradeInput, Interval } from './graders/index.ts';
export { Ledger, llmUsage, priceTable, SHIPPED_PRICES, Tally, UsageTally, withScope } from './ledger/index.ts';
export type { Price, PriceList, PriceTable } from './ledger/index.ts';
export { Budget, createLimiter, openSharedState } from './limiter/index.ts';
export type { AdmitRequest, DeploymentStats, Limiter, LimiterOptions, Limits, Quota, QuotaAlert, Reservation } from './limiter/index.ts';
export { openTarget, parseTargetSpec } from './models/index.ts';
export type { GenerateRequest, ProviderSettings, Target, TargetEndpoint } from './models/index.ts';
export { protocols, readRateFacts, recogniseProtocol } from './protocols/index.ts';
export type { Protocol, RateFacts, RequestFacts, ResponseFacts, StreamReader } from './protocols/index.ts';
export { exportJsonl, runListView, runResultView, summarizeExperiments, summarizeProbes, usageView } from './report/index.ts';
export type { ExperimentResult, ProbeResult, RunResultView, UsageView } from './report/index.ts';
export { startSimulator } from './simulator/index.ts';
export type { Playbook, PlaybookRule, Simulator, SimulatorOptions, SimStats } from './simulator/index.ts';
export { createRedactor, openStore, recoverOrphans } from './store/index.ts';
export type { Store, WriteOp } from './store/index.ts';
export { createExperimentsSuite, createProbesSuite, defineExperiment, listExperiments, listProbes, probesPlaybook } from './suites/index.ts';
export type { Experiment, ExperimentFunction, Probe, ProbeHooks, ProbesConfig, ScoreOptions, TrialContext, TrialResult, TrialReturn } from './suites/index.ts';
export { bind, branch, clearCurrentTracker, currentScope, currentUsage, exportScope, LLMUsageTracker, phase, role, runInScope, setCurrentTracker, trial } from './tracking/index.ts';
export type { BranchUsage, LlmUsage, UsageSums } from './tracking/index.ts';
export { CallError, DEFAULT_RETRY, NO_RETRY, Transport, transportFetch } from './transport/index.ts';
export type { Answer, OutgoingCall, RetryPolicy } from './transport/index.ts';
