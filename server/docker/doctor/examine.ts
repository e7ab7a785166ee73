import type Docker from 'dockerode';
import type { Sandbox, Sandboxes } from '../../domain/sandbox.ts';
import type { SandboxLimits } from '../container-spec.ts';
import { checkEngine } from '../readiness.ts';
import { type Facts, gatherFacts } from './facts.ts';

/** One thing that the doctor looked at: what it saw, and how to mend it when it is not as it must be. */
export type Finding = { name: string; ok: boolean; detail: string; mend?: string };

export type Patient = {
  docker: Docker;
  sandboxes: Sandboxes;
  runtime: string;
  image: string;
  limits: SandboxLimits;
};

/**
 * Proves on the live host, in a real sandbox, what the server promises about sandboxes. Never throws: what cannot be
 * looked at is a finding as well. Nothing here sends a packet to an address that must not be reached: a route is
 * asked for, and a connection only to the sandbox's own loopback.
 */
export const examine = async (patient: Patient, signal: AbortSignal): Promise<Finding[]> => {
  const engine: Finding[] = (await checkEngine(patient.docker, patient)).map((check) =>
    check.ok ? check : { ...check, mend: 'run sandbox-image/setup.sh on the engine’s host' },
  );
  if (engine.some(({ ok }) => !ok)) return engine;
  try {
    await using sandbox = await patient.sandboxes.acquire('doctor', signal);
    return [...engine, ...judge(await gatherFacts(sandbox, signal), sandbox, patient)];
  } catch (error) {
    const detail = error instanceof Error ? describe(error) : String(error);
    return [
      ...engine,
      { name: 'sandbox', ok: false, detail, mend: 'look at dockerd’s log on the engine’s host' },
    ];
  }
};

const describe = (error: Error): string =>
  error.cause instanceof Error ? `${error.message} ${error.cause.message}` : error.message;

const judge = (facts: Facts, sandbox: Sandbox, { limits, runtime }: Patient): Finding[] => {
  const mendRuntime = `register ${runtime} as gVisor with --network=none: run sandbox-image/setup-host.sh`;
  const mendSpec = 'the engine did not do what it was asked for: update Docker Engine and gVisor';
  const finding = (name: string, ok: boolean, detail: string, mend: string): Finding =>
    ok ? { name, ok, detail } : { name, ok, detail, mend };
  return [
    finding(
      'kernel',
      facts.gvisor,
      facts.gvisor
        ? `gVisor answers (${facts.kernel})`
        : `not gVisor: the kernel that answers is ${facts.kernel}`,
      mendRuntime,
    ),
    finding('interfaces', facts.interfaces.join() === 'lo', facts.interfaces.join(', '), mendRuntime),
    finding(
      'network',
      facts.routes === 'unreachable',
      `a route to the outside: ${facts.routes}`,
      mendRuntime,
    ),
    finding('way out', facts.wayOut === 403, `an unknown request is answered ${facts.wayOut}`, mendSpec),
    finding(
      'root',
      facts.writable.length === 0,
      facts.writable.length === 0 ? 'read-only' : `writable: ${facts.writable.join(', ')}`,
      mendSpec,
    ),
    finding('capabilities', /^0+$/.test(facts.capabilities), facts.capabilities, mendSpec),
    finding('user', facts.uid >= 1000, `uid ${facts.uid}`, mendSpec),
    finding(
      'processes',
      facts.processesMax === limits.processesMax,
      `at most ${facts.processesMax}`,
      mendSpec,
    ),
    finding(
      'open files',
      facts.openFilesMax === limits.openFilesMax,
      `at most ${facts.openFilesMax}`,
      mendSpec,
    ),
    finding(
      'workspace',
      facts.workspaceBytes <= limits.workspaceBytes,
      `${Math.round(facts.workspaceBytes / (1 << 20))} MB`,
      mendSpec,
    ),
    finding('docker socket', !facts.dockerSocket, facts.dockerSocket ? 'there' : 'not there', mendSpec),
    { name: 'start', ok: true, detail: `${sandbox.readyMs} ms` },
  ];
};
