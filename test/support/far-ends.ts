import { type ForgeAndModel, startForgeAndModel } from './forge-and-model.ts';
import { sharedCluster } from './postgres/shared.ts';

/** A forge, a model and a database of its own, and the settings that point a server at them. */
export type FarEnds = ForgeAndModel;

export const startFarEnds = async (...what: Parameters<typeof startForgeAndModel>): Promise<FarEnds> => {
  const cluster = await sharedCluster();
  const DATABASE_URL = await cluster.createDatabase();
  const ends = await startForgeAndModel(...what);
  return { ...ends, settings: { ...ends.settings, DATABASE_URL } };
};
