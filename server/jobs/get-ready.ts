import type { Egress } from '../domain/egress.ts';
import type { Exploration } from '../domain/exploration.ts';
import type { BaseRepository } from '../domain/github.ts';
import type { HeldJob } from '../domain/job.ts';
import { explore, explored } from './explore.ts';
import type { Keeper } from './keep-sandbox.ts';
import type { Settings, Walk } from './ports.ts';
import { createSetUp } from './setup/create-set-up.ts';
import { withOfferedImage } from './setup/offered-image.ts';
import type { CheckGround } from './verify/check-sandbox.ts';

type Beginning = { held: HeldJob; keeper: Keeper; egress: Egress; baseRepository: BaseRepository };

/** Reads what the base says of itself, and brings the sandbox to where the agent can begin. */
export const getReady = async (
  { held, keeper, egress, baseRepository }: Beginning,
  way: Walk,
  settings: Settings,
  signal: AbortSignal,
): Promise<{ exploration: Exploration; ground: CheckGround }> => {
  const { once, job } = held;
  const look = () =>
    keeper.within(async (sandbox) =>
      withOfferedImage(await explore(sandbox, baseRepository.files, job.request, signal), settings.images),
    );
  const found = await once('exploration', () => way.step('explore', look));
  await way.emit(explored(found));
  const { setup: commands, image } = found;
  if (image !== undefined) await keeper.useImage(image);

  const setUp = createSetUp({ commands, baseRepository, egress }, way, settings.setup);
  // Before the checks begin: what it has made is kept, and they need not wait for it again.
  const outcome = await keeper.prepare(commands.length > 0 ? setUp : undefined);
  // What the model was told at first does not change when a later sandbox fares otherwise.
  const failure = async () => (outcome.ok ? null : outcome.reason);
  const reason = commands.length > 0 ? await once('setup failure', failure) : null;
  const exploration = reason === null ? found : { ...found, notes: [...found.notes, reason] };
  return { exploration, ground: { held, baseRepository, image, setUp } };
};
