import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { createOpenEgress, wayOutWithEgress } from '../../../server/docker/egress/open-egress.ts';
import type { EgressOptions } from '../../../server/docker/egress/tunnel.ts';
import type { DenialReport, EgressDenial } from '../../../server/domain/egress.ts';
import type { Sandbox, WayOut } from '../../../server/domain/sandbox.ts';
import { allowing, limits, publicAddress } from '../egress-bench.ts';
import type { Probe } from '../egress-probes.ts';
import { shell, soon } from '../sandboxes.ts';
import { buildClientHello } from '../tls-client-hello.ts';
import { createWeakEgress, type Weakness } from '../weak-egress.ts';

/** What a program inside was told: the head of the proxy's answer, and in hex what came behind it. */
export type Outcome = { name: string; head: string; after: string; hung: boolean; seconds: number };

/** The production egress between a real sandbox and a network of the test's making, and all that was asked of it. */
export type EgressScene = {
  dialled: { address: string; port: number }[];
  denied: EgressDenial[];
  passed: string[];
  denials(): DenialReport;
};

/** Names below it are allowed, so that each probe has a name, and a resolver's answers, of its own. */
const ownDomain = 'probe.example';

export type SceneOptions = {
  weakness?: Weakness;
  answers?: ReadonlyMap<string, readonly string[][]>;
  dial?: EgressOptions['dial'];
  limits?: Partial<EgressOptions['limits']>;
  repository?: { private: boolean };
  allow?: readonly string[];
  publicIsForAll?: boolean;
};

/** Opens the sandbox's way out anew. Nothing is ever resolved or dialled outside of the test. */
export const openScene = (sandbox: Sandbox, options: SceneOptions = {}): EgressScene => {
  const scene = { dialled: [], denied: [], passed: [] } as Omit<EgressScene, 'denials'>;
  const asked = new Map<string, number>();
  const network = {
    limits: { ...limits, connectionsMax: 64, connectionsTotalMax: 10_000, ...options.limits },
    resolve: async (host: string) => {
      const count = asked.get(host) ?? 0;
      asked.set(host, count + 1);
      const answers = options.answers?.get(host) ?? [[publicAddress]];
      return answers[Math.min(count, answers.length - 1)] ?? [];
    },
    dial: (address: string, port: number, signal: AbortSignal) => {
      scene.dialled.push({ address, port });
      return (options.dial ?? nowhere)(address, port, signal);
    },
  };
  const gateway: WayOut = async ({ method, path: target }) => {
    scene.passed.push(`${method} ${target}`);
    return { status: 403, headers: {}, body: nothing() };
  };
  const onDenied = (denial: EgressDenial) => void scene.denied.push(denial);
  if (options.weakness !== undefined) {
    const allowlist = allowing('github.com', 'codeload.github.com', `*.${ownDomain}`);
    const weak = createWeakEgress(options.weakness)({ ...network, allowlist, onDenied });
    sandbox.openWayOut(wayOutWithEgress(gateway, weak));
    return { ...scene, denials: weak.denials };
  }
  const { allow = [`*.${ownDomain}`], publicIsForAll = true } = options;
  const settings = { allow, allowPrivate: false, publicIsForAll };
  const egress = createOpenEgress(settings, network)(options.repository ?? { private: false }, onDenied);
  sandbox.openWayOut(egress.guard(gateway));
  return { ...scene, denials: egress.denials };
};

export type InsideProbe = { name: string; request: Buffer; said: Buffer; halfClose: boolean };

/** A CONNECT as a program writes it; its host is one of the test's own where the resolver's answers are the point. */
export const insideProbes = (
  title: string,
  probes: readonly Probe[],
): { probes: InsideProbe[]; answers: Map<string, readonly string[][]> } => {
  const answers = new Map<string, readonly string[][]>();
  const inside = probes.map((probe, index): InsideProbe => {
    const own = `p${index}.${ownDomain}`;
    if (probe.answers) answers.set(own, probe.answers);
    const authority = probe.answers ? `${own}:443` : probe.authority;
    return {
      name: `${title} ${index}: ${JSON.stringify(authority.slice(0, 60))}`,
      request: connect(authority),
      said: Buffer.from(probe.said ?? helloFor(authority)),
      // What says only a part of a hello is heard to its end.
      halfClose: true,
    };
  });
  return { probes: inside, answers };
};

export const connect = (authority: string): Buffer =>
  Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nHost: github.com:443\r\n\r\n`);

const helloFor = (authority: string): Buffer => {
  const url = `https://${authority}`;
  const name = URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : authority;
  return buildClientHello({ serverNames: [name.slice(0, 300)] });
};

const script = readFileSync(path.join(import.meta.dirname, 'probe.py'), 'utf8');

/** Runs the probes inside, so many at once, and gives back what each was told. */
export const runInside = async (
  sandbox: Sandbox,
  probes: readonly InsideProbe[],
  atOnce = 16,
): Promise<Outcome[]> => {
  const list = probes.map(({ name, request, said, halfClose }) => ({
    ...{ name, request: request.toString('base64'), said: said.toString('base64'), half_close: halfClose },
  }));
  await sandbox.write({ filepath: '/tmp/probe.py', content: script }, soon());
  await sandbox.write({ filepath: '/tmp/probes.json', content: JSON.stringify(list) }, soon());
  const output = await shell(sandbox, `python3 /tmp/probe.py /tmp/probes.json ${atOnce}`);
  const outcomes = output.split('\n').map((line) => JSON.parse(line) as Outcome);
  assert.equal(outcomes.length, probes.length);
  return outcomes;
};

/** A refusal that a program understands: an HTTP status that is none of success, or an end of the tunnel at once. */
export const wasRefused = ({ head, after, hung }: Outcome): boolean => {
  if (hung) return false;
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
  if (status !== 200) return status >= 400;
  // A TLS alert, or a refusal in HTTP for who speaks something else.
  return /^15030100020231$/.test(after) || Buffer.from(after, 'hex').toString().startsWith('HTTP/1.1 403 ');
};

const nowhere = async (): Promise<Duplex> =>
  new Duplex({
    read() {
      this.push(null);
    },
    write: (_chunk, _encoding, done) => done(),
  });

const nothing = async function* (): AsyncGenerator<Uint8Array> {};
