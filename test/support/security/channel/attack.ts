import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../../server/domain/errors.ts';
import type { Sandbox, WayOut, WayOutResponse } from '../../../../server/domain/sandbox.ts';
import { shell, soon } from '../../sandboxes.ts';
import type { Behaviour, CallName, Outcome, Report } from './behaviour.ts';
import { floodSeconds } from './script.ts';

const program = readFileSync(path.join(import.meta.dirname, 'play.py'), 'utf8');

/** Lets a sandbox behave so, asks it for something meanwhile, and says what came of it. The sandbox is still there. */
export const attack = async (
  sandbox: Sandbox,
  behaviour: Behaviour,
  production: WayOut,
): Promise<Omit<Outcome, 'neighbourMs'>> => {
  const told = openTold(sandbox, decider(behaviour, production));
  await start(sandbox, behaviour);
  await told.seized;
  if (behaviour.session === 'way-out') {
    const report = await reportInFile(sandbox);
    const callsWork = (await shell(sandbox, 'echo works')) === 'works';
    return { call: '', callCode: 'no call', report, callsWork, heard: '' };
  }
  const given = new AbortController();
  const asked = settled(calls[behaviour.call ?? 'read'](sandbox, given.signal));
  const report = told.report.then((said) => {
    // The script is over: what has not come by now does not come, but for what only the server's limits end.
    if (!behaviour.slow) setTimeout(() => given.abort(givenUp), 300);
    return said;
  });
  report.catch(() => {});
  const ended = await asked;
  const wantsReport = ended.callCode !== 'lost';
  return {
    ...ended,
    report: wantsReport ? await report : undefined,
    callsWork: true,
    heard: await told.heard(),
  };
};

const givenUp = new Error('given up');

const calls: Record<CallName, (sandbox: Sandbox, signal: AbortSignal) => Promise<unknown>> = {
  read: (sandbox, signal) => sandbox.read({ filepath: 'own.txt', bytesMax: 1000 }, signal),
  run: (sandbox, signal) => sandbox.exec({ command: 'true', timeoutMs: 1000, outputBytesMax: 1000 }, signal),
  upload: (sandbox, signal) => sandbox.unpack(withoutEnd(), signal),
  loot: async (sandbox, signal) => sandbox.contents(await sandbox.files([], signal), signal),
};

const withoutEnd = async function* (): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(64 << 10);
};

const settled = (call: Promise<unknown>): Promise<Pick<Outcome, 'call' | 'callCode'>> =>
  call.then(
    (value) => ({ call: JSON.stringify(value) ?? '', callCode: 'answered' as const }),
    (error: unknown) => {
      if (error === givenUp) return { call: '', callCode: 'given up' as const };
      if (error instanceof AppError && error.code === 'sandbox_lost')
        return { call: error.message, callCode: 'lost' as const };
      throw error;
    },
  );

const start = async (sandbox: Sandbox, behaviour: Behaviour): Promise<void> => {
  const { session, steps } = behaviour;
  const script = {
    ...{ session, steps, deaf: behaviour.deaf ?? false, stopped: !behaviour.toolboxGoesOn },
    stepSeconds: 1 + Math.max(...steps.map((step) => ('seconds' in step && step.seconds) || floodSeconds)),
    lingers: session === 'way-out' && behaviour.sessionEnds === 'closed' ? 5 : 0,
  };
  await sandbox.write({ filepath: '/tmp/play.py', content: program }, soon());
  await sandbox.write({ filepath: '/tmp/script.json', content: JSON.stringify(script) }, soon());
  await shell(sandbox, '(setsid python3 /tmp/play.py /tmp/script.json >/tmp/play.log 2>&1 </dev/null &)');
};

/** What the program inside says by the way out. All other requests are decided by `decide`. */
const openTold = (sandbox: Sandbox, decide: WayOut) => {
  const seized = Promise.withResolvers<void>();
  const report = Promise.withResolvers<Report>();
  let heard = '';
  const late = setTimeout(() => seized.reject(new Error('Nobody has seized the session.')), 30_000);
  const takers: Record<string, (body: Buffer) => void> = {
    '/seized': () => {
      clearTimeout(late);
      seized.resolve();
    },
    '/report': (body) => report.resolve(JSON.parse(body.toString()) as Report),
    '/heard': (body) => {
      heard = body.toString('base64');
    },
  };
  sandbox.openWayOut(async (request) => {
    const take = takers[request.path];
    if (!take) return decide(request);
    take(await buffer(request.body));
    return say(200, nothing());
  });
  return { seized: seized.promise, report: report.promise, heard: async () => heard };
};

const decider = (behaviour: Behaviour, production: WayOut): WayOut => {
  if (behaviour.session === 'calls' || behaviour.decider === undefined) return production;
  if (behaviour.decider === 'hangs') return () => new Promise(() => {});
  return async () => say(200, withoutEnd());
};

/** The calls are unharmed by an attack on the way out, and so the report can be fetched by them. */
const reportInFile = async (sandbox: Sandbox): Promise<Report> => {
  const reportMs = 60_000;
  const until = performance.now() + reportMs;
  while (performance.now() < until) {
    const read = await sandbox.read({ filepath: '/tmp/report.json', bytesMax: 1000 }, soon());
    if (read.ok) return JSON.parse(read.content) as Report;
    await sleep(50);
  }
  throw new Error(`The program inside has not reported: ${await shell(sandbox, 'cat /tmp/play.log')}`);
};

const say = (status: number, body: AsyncIterable<Uint8Array>): WayOutResponse => ({
  ...{ status, headers: {}, body },
});

const nothing = async function* (): AsyncGenerator<Uint8Array> {};
