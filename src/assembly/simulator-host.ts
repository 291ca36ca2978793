import type { AssayConfig } from '../config/index.ts';
import type { Simulator } from '../simulator/index.ts';
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

  constructor(config: Pick<AssayConfig, 'simulator' | 'seed'>, env: Env) {
    this.#config = config;
    this.#env = env;
  }

  place(): Promise<SimulatorPlace> {
    this.#place ??= this.#open();
    return this.#place;
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
    this.#own = await startSimulator({ seed: this.#config.seed, ...simulatorSettings(this.#config.simulator) });
    return { url: this.#own.url, place: 'local' };
  }
}
