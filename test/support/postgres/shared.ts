import { type Cluster, startCluster } from './cluster.ts';

let shared: Promise<Cluster> | undefined;

/** One PostgreSQL for all tests of a file, started when the first asks for it; it ends with the process. */
export const sharedCluster = (): Promise<Cluster> => {
  shared ??= startCluster();
  return shared;
};
