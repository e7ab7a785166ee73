import { parseArgs } from 'node:util';
import { startRandom } from '../sample.ts';
import { openCrashSite } from './crash.ts';
import { nameOf, planCrashes } from './plan.ts';

/** `npm run test:crash -- --kills 1000`: so many jobs, each through one crash or two; TEST_SEED repeats a run. */
const { values } = parseArgs({ options: { kills: { type: 'string', default: '1000' } } });
const kills = Number(values.kills);
if (!Number.isSafeInteger(kills) || kills < 1) {
  process.stderr.write(`--kills must be a whole number above 0; it is ${values.kills}.\n`);
  process.exit(1);
}

const crashes = planCrashes(kills, startRandom('crashes'));
let failed = 0;
await using site = await openCrashSite();
for (const [index, crash] of crashes.entries()) {
  const started = performance.now();
  const error = await site.run(crash).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${index + 1} ${error ? '✖' : '✔'} ${nameOf(crash)} (${seconds} s)\n`);
  if (error === undefined) continue;
  failed += 1;
  console.error(error);
}
process.stdout.write(`${kills} crashes, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
