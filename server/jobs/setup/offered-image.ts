import type { Exploration } from '../../domain/exploration.ts';
import { listOfImages, type SandboxImage } from '../../domain/sandbox-image.ts';

/**
 * A request that names an image which the server does not offer is refused; a .backspace.yml that does was written for
 * all servers, so the default image is taken, and that is said.
 */
export const withOfferedImage = (
  exploration: Exploration,
  images: readonly Pick<SandboxImage, 'name' | 'holds'>[],
): Exploration => {
  const { image: asked, ...rest } = exploration;
  if (asked === undefined) return exploration;
  const offered = images.find(({ name }) => name === asked);
  if (offered) return { ...exploration, imageHolds: offered.holds };
  const note = `.backspace.yml asks for the sandbox image «${asked}», which this server does not offer: the default one was used. It offers ${listOfImages(images)}.`;
  return { ...rest, notes: [...rest.notes, note] };
};
