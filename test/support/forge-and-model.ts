import { type Forge, startForge } from './forge/forge.ts';
import type { Scenario } from './model/scenario.ts';
import { type Model, startModel } from './model/server.ts';

/** A forge and a model on loopback, and the settings that point a server at them. */
export type ForgeAndModel = AsyncDisposable & {
  forge: Forge;
  model: Model;
  settings: Record<string, string>;
};

export const startForgeAndModel = async (
  scenarios: Scenario[],
  msPerEvent = 0,
  /** Made up where they are left out. */
  { gitHubToken, modelKey }: { gitHubToken?: string; modelKey?: string } = {},
): Promise<ForgeAndModel> => {
  const forge = await startForge(gitHubToken ? { token: gitHubToken } : {});
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
    },
    async [Symbol.asyncDispose]() {
      await model[Symbol.asyncDispose]();
      await forge[Symbol.asyncDispose]();
    },
  };
};
