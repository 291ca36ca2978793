import { deploymentName, UsageError } from '../core/index.ts';
import { PROFILES, readModelName } from '../simulator/index.ts';
import type { Provider } from './provider.ts';

/** `sim:PROFILE`: the simulated provider, started by itself. What it answers is labelled simulated everywhere. */
export const sim: Provider = async ({ spec, provider, name }, { simulator }) => {
  const { profileName } = readModelName(name);
  if (!Object.hasOwn(PROFILES, profileName)) {
    throw new UsageError({ message: `target ${spec} names no profile of the simulator: ${profileName}`, hint: `there are ${Object.keys(PROFILES).map((profile) => `sim:${profile}`).join(', ')}` });
  }
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  const { url, place } = await simulator();
  return {
    spec,
    provider,
    model: name,
    deployment: deploymentName('sim', place, name),
    host: new URL(url).hostname,
    simulated: true,
    takesN: true,
    // The simulator takes any key.
    endpoint: () => ({ api: 'openai', baseURL: `${url}/v1`, apiKey: 'simulated', model: name, headers: {}, query: {} }),
    connect: (fetch) => createOpenAICompatible({ name: 'sim', baseURL: `${url}/v1`, fetch, includeUsage: true }).chatModel(name),
  };
};
