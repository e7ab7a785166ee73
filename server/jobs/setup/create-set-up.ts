import type { Egress } from '../../domain/egress.ts';
import { AppError } from '../../domain/errors.ts';
import type { BaseRepository } from '../../domain/github.ts';
import type { Sandbox, WayOut } from '../../domain/sandbox.ts';
import type { SandboxUse, SetUp, SetupFile, SetupOutcome } from '../../domain/setup.ts';
import { guarded } from '../clone.ts';
import { openEgress } from '../open-egress.ts';
import type { SetupSettings, Walk } from '../ports.ts';
import { backToBase } from './back-to-base.ts';
import { madeBySetup, touchesBase } from './made-by-setup.ts';
import { runSetup } from './run-setup.ts';
import { setupKey } from './setup-key.ts';
import { keepResult, takeResult } from './setup-result.ts';

export type SetUpInput = {
  commands: readonly string[];
  /** Its files tell what the result depends on. */
  baseRepository: Pick<BaseRepository, 'base' | 'files'>;
  /** The agent's, which is open again when its sandbox is set up. */
  egress: Egress;
};

/**
 * Makes what brings sandboxes to where the setup commands lead. While these run, the hosts of SETUP_EGRESS_ALLOW are all
 * that can be reached, not even the repository; afterwards every connection of theirs is cut, and what they left running
 * is dead. An agent's sandbox has then the way out that it had, any other one none.
 */
export const createSetUp = (
  { commands, baseRepository, egress }: SetUpInput,
  way: Walk,
  settings: SetupSettings,
): SetUp => {
  const { base } = baseRepository;

  const leave = (sandbox: Sandbox, use: SandboxUse) => {
    if (use === 'agent') way.github.admit(guarded(sandbox, egress), base);
    else sandbox.openWayOut(nothing);
  };

  const run = async (sandbox: Sandbox, use: SandboxUse, signal: AbortSignal): Promise<SetupOutcome> => {
    const told = { use, emit: way.emit };
    const key = await keyIn(sandbox);
    const given = key && (await takeResult(sandbox, { commands, baseRepository }, key, told, way, signal));
    if (given) return { ok: true, ...madeIn(use, given) };

    const since = await sandbox.now(signal);
    const open = openEgress(base, { ...way, openEgress: way.openSetupEgress, progress: way.progress });
    sandbox.openWayOut(open.guard(nothing));
    const outcome = await runSetup(sandbox, commands, settings.ms, told, signal);
    sandbox.openWayOut(nothing);
    const made = await madeBySetup(sandbox, baseRepository, signal);
    if ('tooMuch' in made) {
      await backToBase(sandbox, baseRepository, signal);
      const failure = outcome.ok ? '' : `${outcome.reason} `;
      return {
        ok: false,
        reason: `${failure}${made.tooMuch} So all that it made was removed: ${whatToHide}`,
      };
    }
    // To another commit's files it could do something else.
    if (outcome.ok && key !== undefined && !touchesBase(made, baseRepository)) {
      await keepResult(sandbox, key, { since, tracked: baseRepository.files.keys() }, way, signal);
    }
    return { ...outcome, ...madeIn(use, made) };
  };

  const keyIn = async (sandbox: Sandbox): Promise<string | undefined> => {
    if (!way.setupCache.isOn) return undefined;
    try {
      return setupKey(commands, baseRepository, {
        ...settings,
        imageId: await sandbox.imageId(),
        at: new Date(),
      });
    } catch (err) {
      way.log.warn({ err }, 'the image of a sandbox is not known: its setup runs without the cache');
      return undefined;
    }
  };

  return async (sandbox, use, signal) => {
    if (commands.length === 0) {
      if (use !== 'agent') leave(sandbox, use);
      return { ok: true };
    }
    const outcome = await run(sandbox, use, signal).catch((thrown: unknown) => {
      // Whatever ended it: nothing may go on through the way out of the setup.
      sandbox.openWayOut(nothing);
      throw thrown instanceof AppError ? thrown : failed(thrown);
    });
    leave(sandbox, use);
    return outcome;
  };
};

const whatToHide = 'add to .gitignore what the setup commands make.';

/** Whoever checks looks for the changes only, and needs no list of what else there is. */
const madeIn = (use: SandboxUse, made: readonly SetupFile[]): Pick<SetupOutcome, 'made'> =>
  use === 'agent' ? { made } : {};

const failed = (cause: unknown): AppError =>
  new AppError('internal', 'The setup failed in a way that the server did not foresee.', { cause });

const nothing: WayOut = async () => ({
  status: 403,
  headers: { 'content-type': 'text/plain' },
  body: (async function* () {
    yield Buffer.from('Nothing may leave this sandbox now.\n');
  })(),
});
