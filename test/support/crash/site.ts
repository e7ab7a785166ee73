import type Docker from 'dockerode';
import type { FarEnds } from '../far-ends.ts';
import type { ForgeRepository } from '../forge/forge.ts';
import type { Servers } from './servers.ts';
import type { Trap } from './trap.ts';

/** Where jobs are struck: servers on one database and one engine, a forge and a model. */
export type Site = {
  docker: Docker;
  farEnds: FarEnds;
  repository: ForgeRepository;
  servers: Servers;
  trap: Trap;
  ids: [string, string];
  listenToModel(listener: () => void): void;
};
