import type { WayOut } from './sandbox.ts';

/** Something inside a sandbox wanted out and was refused. Both sentences are the server's own words. */
export type EgressDenial = {
  /** As asked for, of at most 120 characters; what cannot stand in a host name is shown as `?`. */
  host: string;
  /** null when what was asked for names none. */
  port: number | null;
  reason: string;
  howToAllow: string;
};

export type DenialReport = {
  total: number;
  /** The first distinct ones, at most 100, in the order they came. */
  distinct: readonly (EgressDenial & { count: number })[];
};

/** The only way out of a sandbox beside its repository. It belongs to the job: its limits outlive a lost sandbox. */
export type Egress = {
  /** The egress decides about everything that is not meant for the gateway. */
  guard(gateway: WayOut): WayOut;
  denials(): DenialReport;
};

/** `onDenied` is told once for each distinct refusal, of which there are at most 100. */
export type OpenEgress = (
  repository: { private: boolean },
  onDenied: (denial: EgressDenial) => void,
) => Egress;
