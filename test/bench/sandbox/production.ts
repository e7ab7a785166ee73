import { type JobsConfig, readConfig, runsJobs } from '../../../server/config.ts';
import type { SandboxOptions } from '../../../server/docker/sandboxes.ts';
import { sandboxOptions } from '../../../server/options.ts';
import { sandboxImage, sandboxRuntime } from '../../support/docker.ts';
import { openSandboxes, type TestSandboxes } from '../../support/sandboxes.ts';

/** The settings of a server that nobody has configured; what is measured is what they get. */
export const settings = (changed: Record<string, string> = {}): JobsConfig => {
  const config = readConfig({
    ANTHROPIC_API_KEY: 'not-needed',
    GITHUB_TOKEN: 'not-needed',
    SANDBOX_IMAGE: sandboxImage,
    SANDBOX_RUNTIME: sandboxRuntime,
    ...changed,
  });
  if (!runsJobs(config)) throw new Error('What is measured is a server that runs jobs.');
  return config;
};

/** What the server starts its sandboxes with. */
export const productionOptions = (changed: Record<string, string> = {}): SandboxOptions =>
  sandboxOptions(settings(changed), 'bench');

/** Sandboxes as the server makes them. Disposed, none of their containers is left. */
export const openProductionSandboxes = (changed: Record<string, string> = {}): Promise<TestSandboxes> =>
  openSandboxes(productionOptions(changed));
