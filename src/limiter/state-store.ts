import { type DeploymentState, createDeploymentState } from './deployment-state.ts';

/** Where deployments' states live. A decision is one `update`: it sees the latest state, and nobody else's falls between. */
export interface StateStore {
  /** Whether other processes may use it too. */
  readonly shared: boolean;
  /** Runs `change` on the deployment's state and keeps what it did. `change` must not wait for anything. */
  update<T>(deployment: string, now: number, change: (state: DeploymentState) => T): T;
  /** Runs `work`, whose updates are kept together or, where that fails, not at all. `work` must not wait for anything. */
  together<T>(work: () => T): T;
  /** Looks at the state; what `look` does to it is not kept, or does not matter. */
  read<T>(deployment: string, now: number, look: (state: DeploymentState) => T): T;
}

/** States in this process's memory. */
export function memoryState(): StateStore {
  const states = new Map<string, DeploymentState>();
  const run = <T>(deployment: string, now: number, use: (state: DeploymentState) => T): T => {
    let state = states.get(deployment);
    if (state === undefined) states.set(deployment, (state = createDeploymentState(now)));
    return use(state);
  };
  return { shared: false, update: run, together: (work) => work(), read: run };
}
