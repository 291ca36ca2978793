import type { AssayConfig } from '../config/index.ts';
import type { Playbook, Simulator } from '../simulator/index.ts';
import type { Env } from '../core/index.ts';

/** Where `sim:` targets go. */
export interface SimulatorPlace {
  readonly url: string;
  /** Account part of the deployment's name. */
  readonly place: string;
}

/**
 * The simulator of one process: started when a `sim:` target is first opened, unless `ASSAY_SIM_URL` names one that runs.
 */
export class SimulatorHost {
  readonly #config: Pick<AssayConfig, 'simulator' | 'seed'>;
  readonly #env: Env;
  #place: Promise<SimulatorPlace> | undefined;
  #own: Simulator | undefined;
  #playbooks: readonly Playbook[] = [];

  constructor(config: Pick<AssayConfig, 'simulator' | 'seed'>, env: Env) {
    this.#config = config;
    this.#env = env;
  }

  place(): Promise<SimulatorPlace> {
    this.#place ??= this.#open();
    return this.#place;
  }

  /**
   * How simulated models are to answer what a run asks of them; goes before what they know already. A simulator that runs elsewhere
   * (`ASSAY_SIM_URL`) knows what it was started with.
   */
  learn(playbooks: readonly Playbook[]): void {
    const names = new Set(playbooks.map(({ name }) => name));
    this.#playbooks = [...playbooks, ...this.#playbooks.filter(({ name }) => !names.has(name))];
    this.#own?.learn(playbooks);
  }

  /** The simulator this process started, if it did. */
  get own(): Simulator | undefined {
    return this.#own;
  }

  async close(): Promise<void> {
    await this.#own?.close();
  }

  async #open(): Promise<SimulatorPlace> {
    const running = this.#env['ASSAY_SIM_URL'];
    if (running !== undefined && running !== '') {
      const url = running.replace(/\/+$/, '').replace(/\/v1$/, '');
      return { url, place: new URL(url).host };
    }
    const { startSimulator } = await import('../simulator/index.ts');
    const { simulatorSettings } = await import('./simulator-settings.ts');
    // Programs that were made for real models ask for those by name.
    this.#own = await startSimulator({ seed: this.#config.seed, otherModels: 'weak', ...simulatorSettings(this.#config.simulator) });
    this.#own.learn(this.#playbooks);
    return { url: this.#own.url, place: 'local' };
  }
}
