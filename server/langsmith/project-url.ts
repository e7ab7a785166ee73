import { z } from 'zod';

const sessions = z.array(z.object({ id: z.uuid(), tenant_id: z.uuid() })).min(1);
const lookupTimeoutMs = 5_000;

/**
 * Where the project's runs can be looked at in a browser. It takes ids that only LangSmith knows, so they are asked
 * for in the background; until they have come, and when they do not come, there is no URL. LangSmith calls a project a
 * session, and makes it with its first run.
 */
export const createProjectUrl = (options: {
  endpoint: string;
  apiKey: string;
  project: string;
  /** Of LangSmith's web page. */
  host: string;
}): { current(): string | undefined; lookUp(signal: AbortSignal): void } => {
  let url: string | undefined;
  let asking = false;

  const ask = async (signal: AbortSignal): Promise<void> => {
    const query = new URLSearchParams({ name: options.project, limit: '1' });
    const response = await fetch(`${options.endpoint}/sessions?${query}`, {
      headers: { 'x-api-key': options.apiKey },
      signal: AbortSignal.any([signal, AbortSignal.timeout(lookupTimeoutMs)]),
    });
    const session = sessions.parse(await response.json())[0];
    if (session !== undefined) url = `${options.host}/o/${session.tenant_id}/projects/p/${session.id}`;
  };
  return {
    current: () => url,
    lookUp: (signal) => {
      if (url !== undefined || asking) return;
      asking = true;
      ask(signal)
        // A link more or less: the next job asks again.
        .catch(() => undefined)
        .finally(() => {
          asking = false;
        });
    },
  };
};
