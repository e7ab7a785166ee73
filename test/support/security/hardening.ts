import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { shell, soon } from '../sandboxes.ts';

/** Where probes are tried: in a sandbox as it must be, or in one of the weak variants of hardening/harness.py. */
export type Variant = 'sandbox' | 'gvisor' | 'runc-root' | 'runc-user' | 'pretended';

/** What is at another's loopback and among its abstract sockets. */
type Listeners = { port: number; abstract: string };

/** What the probes look for, and cannot know. */
export type Facts = {
  hostKernel: string;
  hostName: string;
  openFilesMax: number;
  processesMax: number;
  /** Of each place that can be written, in bytes. */
  sizes: Record<string, number>;
  /** In the name of everything that the neighbour has. */
  mark: string;
  neighbour: Listeners & { key: number };
  host: Listeners;
};

const outcome = z.strictObject({
  area: z.string(),
  name: z.string(),
  /** The errors that say no. */
  refusals: z.array(z.string()),
  seen: z.union([
    z.strictObject({ refused: z.string(), where: z.string() }),
    z.strictObject({ gained: z.string().nullable() }),
    z.strictObject({ problem: z.string() }),
  ]),
});

export type Outcome = z.infer<typeof outcome>;

/** Unclear is an error that is no refusal, or a probe that failed itself: it proves nothing, either way. */
export const judge = ({
  seen,
  refusals,
}: Pick<Outcome, 'seen' | 'refusals'>): 'held' | 'broken' | 'unclear' => {
  if ('gained' in seen) return seen.gained === null ? 'held' : 'broken';
  if ('refused' in seen && refusals.includes(seen.refused)) return 'held';
  return 'unclear';
};

const programs = path.join(import.meta.dirname, 'hardening');
const inside = '/tmp/hardening';

/** Brings the probes and the facts in. */
export const installProbes = async (sandbox: Sandbox, facts: Facts): Promise<void> => {
  for (const name of readdirSync(programs).filter((file) => file.endsWith('.py'))) {
    const content = readFileSync(path.join(programs, name), 'utf8');
    await sandbox.write({ filepath: `${inside}/${name}`, content }, soon());
  }
  await sandbox.write({ filepath: `${inside}/facts.json`, content: JSON.stringify(facts) }, soon());
};

/** Tries all probes of the variant as a command of the agent's; `before` is put ahead of it. */
export const tryProbes = async (sandbox: Sandbox, variant: Variant, before = ''): Promise<Outcome[]> => {
  const output = await shell(sandbox, `${before} python3 ${inside}/main.py ${variant}`);
  return output.split('\n').map((line) => outcome.parse(JSON.parse(line)));
};

/** Starts a program of the probes' and waits until it says that it is ready; it goes on in the background. */
export const startBeside = async (sandbox: Sandbox, program: string, ...words: (string | number)[]) => {
  const said = `${inside}/${program}.out`;
  const start = `python3 ${inside}/${program} ${words.join(' ')} >${said} 2>&1 &`;
  await shell(sandbox, `${start} until grep . ${said}; do sleep 0.1; done; grep -q ^ready ${said}`);
};
