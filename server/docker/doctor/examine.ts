import type Docker from 'dockerode';
import type { Sandbox, Sandboxes } from '../../domain/sandbox.ts';
import type { SandboxImage } from '../../domain/sandbox-image.ts';
import type { SandboxLimits } from '../container-spec.ts';
import type { EgressSettings } from '../egress/policy.ts';
import type { EgressOptions } from '../egress/tunnel.ts';
import { checkEngine } from '../readiness.ts';
import { withSignal } from '../with-signal.ts';
import { egressFindings, egressTargets, openEgressOfDoctor } from './egress-findings.ts';
import { type Facts, gatherFacts } from './facts.ts';
import { type Finding, finding } from './finding.ts';

export type Patient = {
  docker: Docker;
  sandboxes: Sandboxes;
  runtime: string;
  image: string;
  images?: readonly SandboxImage[];
  limits: SandboxLimits;
  /** Whether a host without gVisor was asked for. */
  withoutGVisor: boolean;
  egress: EgressSettings;
  egressLimits: EgressOptions['limits'];
};

/**
 * Proves on the live host, in a real sandbox, what the server promises about sandboxes. Never throws: what cannot be
 * looked at is a finding as well. Nothing here sends a packet to an address that must not be reached.
 */
export const examine = async (patient: Patient, signal: AbortSignal): Promise<Finding[]> => {
  const engine: Finding[] = (await checkEngine(patient.docker, patient)).map((check) =>
    check.ok ? check : { ...check, mend: 'run sandbox-image/setup.sh on the engine’s host' },
  );
  if (engine.some(({ ok }) => !ok)) return engine;
  try {
    await using sandbox = await patient.sandboxes.acquire('doctor', signal);
    sandbox.openWayOut(openEgressOfDoctor(patient.egress, patient.egressLimits));
    const facts = await gatherFacts(sandbox, [...egressTargets(patient.egress).keys()], signal);
    const seen = judge(facts, sandbox, patient);
    const limits = await withSignal(hostLimits(sandbox, patient), signal);
    return [...engine, ...seen, ...egressFindings(patient.egress, facts.tunnels), limits, start(sandbox)];
  } catch (error) {
    const detail = error instanceof Error ? describe(error) : String(error);
    const mend = 'look at dockerd’s log on the engine’s host, and run sandbox-image/setup.sh there';
    return [...engine, { name: 'sandbox', ok: false, detail, mend }];
  }
};

const describe = (error: Error): string =>
  error.cause instanceof Error ? `${error.message} ${error.cause.message}` : error.message;

const mendSpec = 'the engine did not do what it was asked for: update Docker Engine and gVisor';
const megabytes = (bytes: number): string => `${Math.round(bytes / (1 << 20))} MB`;

const judge = (facts: Facts, { gvisor }: Sandbox, { limits, runtime, withoutGVisor }: Patient): Finding[] => {
  const mendRuntime = `register ${runtime} as gVisor with --network=none: run sandbox-image/setup-host.sh`;
  const notGVisor = `not gVisor: the kernel that answers is ${facts.kernel}`;
  const allowed = withoutGVisor ? `${notGVisor}, as SANDBOX_WITHOUT_GVISOR allows` : notGVisor;
  const places = Object.entries(facts.placesBytes);
  const sizes: Record<string, number> = {
    '/workspace': limits.workspaceBytes,
    '/home/backspace': limits.homeBytes,
    '/tmp': limits.tmpBytes,
  };
  const { writable, secrets } = facts;
  return [
    finding(
      'kernel',
      gvisor || withoutGVisor,
      gvisor ? `gVisor answers (${facts.kernel})` : allowed,
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
      writable.length === 0,
      writable.length === 0 ? 'read-only' : `writable: ${writable.join(', ')}`,
      mendSpec,
    ),
    finding(
      'capabilities',
      /^0+$/.test(facts.capabilities) && facts.noNewPrivileges,
      `${facts.capabilities}, new privileges ${facts.noNewPrivileges ? 'impossible' : 'possible'}`,
      mendSpec,
    ),
    finding('user', facts.uid >= 1000, `uid ${facts.uid}`, mendSpec),
    finding(
      'secrets',
      secrets.length === 0,
      secrets.length === 0 ? 'none in the environment' : `in the environment: ${secrets.join(', ')}`,
      'build the sandbox image without them',
    ),
    finding('docker socket', !facts.dockerSocket, facts.dockerSocket ? 'there' : 'not there', mendSpec),
    finding(
      'processes',
      facts.processesMax === limits.processesMax,
      `at most ${facts.processesMax}`,
      mendSpec,
    ),
    finding(
      'open files',
      facts.openFilesMax === limits.openFilesMax && facts.coreBytesMax === 0,
      `at most ${facts.openFilesMax}, no core dumps`,
      mendSpec,
    ),
    finding(
      'places',
      places.every(([place, size]) => size <= (sizes[place] ?? 0)),
      places.map(([place, size]) => `${place} ${megabytes(size)}`).join(', '),
      mendSpec,
    ),
    // The host's own kernel shows all of its memory inside; there the engine's word must do.
    finding(
      'memory',
      facts.memoryBytes <= limits.memoryBytes || (withoutGVisor && !gvisor),
      megabytes(facts.memoryBytes),
      mendSpec,
    ),
  ];
};

/** What cannot be seen from inside: the engine says what it has set. */
const hostLimits = async ({ id }: Sandbox, { docker, limits }: Patient): Promise<Finding> => {
  const { HostConfig } = await docker.getContainer(id).inspect();
  const { Memory = 0, NanoCpus = 0, PidsLimit = 0 } = HostConfig;
  const cpus = NanoCpus / 1e9;
  const ok = Memory === limits.memoryBytes && PidsLimit === limits.pidsMax && cpus === limits.cpus;
  const detail = `${megabytes(Memory)}, ${cpus} processors, ${PidsLimit} threads of the host`;
  return finding('host limits', ok, detail, mendSpec);
};

const start = ({ readyMs }: Sandbox): Finding => ({ name: 'start', ok: true, detail: `${readyMs} ms` });
