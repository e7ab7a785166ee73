import type { PlannedCheck } from '../../domain/checks/evidence.ts';

export type Need = PlannedCheck['needs'][number];

/** One directory of the base with its manifests, for whoever finds out how what is in it is checked. */
export type Place = {
  /** '' for the root; else a plain path. */
  directory: string;
  /** The text of a file in it that was read; undefined when it is not there or was not read. */
  text(name: string): string | undefined;
  /** Whether a file is there. */
  has(name: string): boolean;
  /** Manifests of this name in directories below, that were read. */
  below(name: string): readonly string[];
};

/** What one kind of project says: its checks, the tests first, and what could not be used. */
export type Found = { checks: readonly PlannedCheck[]; notes: readonly string[] };

/** A command for a place: in a subshell, so that the next command begins in the root again. */
export const inPlace = ({ directory }: Pick<Place, 'directory'>, command: string): string =>
  directory === '' ? command : `(cd ${directory} && ${command})`;

/** That a program is there at all. */
export const needsProgram = (program: string): Need => ({
  probe: `command -v ${program} >/dev/null`,
  otherwise: `${program} is not in the sandbox image.`,
});

/** That what a setup installs is there. */
export const needsInstalled = (
  place: Pick<Place, 'directory'>,
  probe: string,
  what: string,
  setup: string,
): Need => ({
  probe: place.directory === '' ? probe : inPlace(place, `{ ${probe}; }`),
  otherwise: `${what} not installed: name setup commands such as \`${inPlace(place, setup)}\`.`,
});
