import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createOpenEgress } from '../../../server/docker/egress/open-egress.ts';
import { systemNetwork } from '../../../server/docker/egress/system-network.ts';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { createGitHub } from '../../../server/github/github.ts';
import { clone as cloneStep } from '../../../server/jobs/clone.ts';
import { egressLimits, egressSettings, githubOptions } from '../../../server/options.ts';
import { createGit } from '../../support/forge/git-process.ts';
import type { Bench } from '../bench.ts';
import { interleave, summarize, timed } from '../measure.ts';
import { quantity } from '../report.ts';
import { createPhases } from './clone-phases.ts';
import { type ForgeThread, largeRepository, startForgeThread } from './forge-thread.ts';
import { indexAndCheckOut, plainClone } from './plain-git.ts';
import { openProductionSandboxes, settings } from './production.ts';

/** A job's step «clone», against git alone: in the same sandbox, in the same container under runc, and on the host. */
export const clone: Bench = async (rounds, signal) => {
  await using forge = await startForgeThread();
  await using gvisor = await openProductionSandboxes();
  await using runc = await openProductionSandboxes({
    SANDBOX_RUNTIME: 'runc',
    SANDBOX_WITHOUT_GVISOR: 'true',
  });
  await using host = await openHost(forge);
  const step = createStep(forge, signal);
  const phases = createPhases();

  /** Every clone has a sandbox of its own, as every job has. */
  const inSandbox = async <T>(sandboxes: typeof gvisor, action: (sandbox: Sandbox) => Promise<T>) => {
    await using sandbox = await sandboxes.acquire('bench', signal);
    return await action(sandbox);
  };
  const samples = await interleave(
    rounds,
    {
      resolve: () => timed(step.resolve),
      ours: () => inSandbox(gvisor, (sandbox) => timed(() => step.clone(sandbox))),
      plain: () => inSandbox(gvisor, (sandbox) => plainClone(sandbox, forge.directory, signal)),
      floor: () => inSandbox(gvisor, (sandbox) => indexAndCheckOut(sandbox, forge.directory, signal)),
      runc: () => inSandbox(runc, (sandbox) => plainClone(sandbox, forge.directory, signal)),
      http: () => host.clone(`${forge.url}/${largeRepository.owner}/${largeRepository.name}.git`),
      local: () => host.clone(`file://${forge.directory}`),
      traced: () => inSandbox(gvisor, (sandbox) => phases.trace(sandbox, step.clone, signal)),
    },
    signal,
  );

  const row = { name: 'the step «clone»', unit: 'ms', ours: samples.ours } as const;
  const megabytes = (forge.packBytes / 1e6).toFixed(1);
  return {
    title: 'Clone of 2,400 files, 21 MB',
    about: `From the step’s begin to its end on the server, through the gateway, from a local forge (git http-backend in another
thread); a new sandbox for each. The pack has ${megabytes} MB. In sandboxes git’s baselines clone from file:// beside them,
and are timed inside, without the exec; on the host they clone into memory. «Index and check out» is what no way of transport
can save: git index-pack of the pack that is there already, and git checkout.`,
    rows: [
      {
        ...row,
        baseline: { name: 'git in the same sandbox', samples: samples.plain },
        target: { ratioMax: 1.3 },
      },
      { ...row, baseline: { name: 'index and check out there', samples: samples.floor } },
      { ...row, baseline: { name: 'git under runc', samples: samples.runc } },
      {
        ...row,
        baseline: { name: 'git on the host, HTTP', samples: samples.http },
        target: { ratioMax: 2, isDream: true },
      },
      { ...row, baseline: { name: 'git on the host, file://', samples: samples.local } },
    ],
    notes: [
      `Before the step: the base commit is resolved in ${quantity(summarize(samples.resolve).p50, 'ms')} (two requests).`,
      ...phases.describe(),
    ],
  };
};

/** The production code with the settings that point it at the forge. */
const createStep = (forge: ForgeThread, signal: AbortSignal) => {
  const config = settings({ GITHUB_URL: forge.url, GITHUB_API_URL: forge.apiUrl, GITHUB_TOKEN: forge.token });
  const github = createGitHub(githubOptions(config, tmpdir()));
  const openEgress = createOpenEgress(egressSettings(config), { limits: egressLimits, ...systemNetwork });
  const resolve = () => github.resolveBase(largeRepository, undefined, signal);
  const base = resolve();
  return {
    resolve,
    clone: async (sandbox: Sandbox) => {
      const egress = openEgress(await base, () => {});
      await cloneStep(sandbox, egress, await base, { github, emit: async () => {} }, signal);
    },
  };
};

/** Where a workspace is in memory, the host’s clones are as well: no disk takes part. */
const openHost = async (forge: ForgeThread) => {
  const directory = await mkdtemp('/dev/shm/tiny-backspace-bench-');
  const git = createGit();
  return {
    async clone(url: string): Promise<number> {
      const target = path.join(directory, 'clone');
      const ms = await timed(() => git.text(forge.directory, ['clone', '--quiet', '--depth=1', url, target]));
      await rm(target, { recursive: true });
      return ms;
    },
    async [Symbol.asyncDispose]() {
      await git[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
