import { type Forge, startForge } from './forge/forge.ts';
import type { Scenario } from './model/scenario.ts';
import { type Model, startModel } from './model/server.ts';
import { sharedCluster } from './postgres/shared.ts';

/** A forge, a model and a database on loopback, and the settings that point a server at them. */
export type FarEnds = AsyncDisposable & { forge: Forge; model: Model; settings: Record<string, string> };

export const startFarEnds = async (
  scenarios: Scenario[],
  msPerEvent = 0,
  /** Made up where they are left out. */
  { gitHubToken, modelKey }: { gitHubToken?: string; modelKey?: string } = {},
): Promise<FarEnds> => {
  const forge = await startForge(gitHubToken ? { token: gitHubToken } : {});
  const cluster = await sharedCluster();
  const model = await startModel({ scenarios, msPerEvent, ...(modelKey ? { apiKey: modelKey } : {}) });
  return {
    forge,
    model,
    settings: {
      GITHUB_URL: forge.url,
      GITHUB_API_URL: forge.apiUrl,
      GITHUB_TOKEN: forge.token,
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: model.apiKey,
      DATABASE_URL: await cluster.createDatabase(),
    },
    async [Symbol.asyncDispose]() {
      await model[Symbol.asyncDispose]();
      await forge[Symbol.asyncDispose]();
    },
  };
};
