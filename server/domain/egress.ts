/** Something inside a sandbox wanted out and was refused. Both sentences are the server's own words. */
export type EgressDenial = {
  /** As asked for, of at most 120 characters; what cannot stand in a host name is shown as `?`. */
  host: string;
  /** null when what was asked for names none. */
  port: number | null;
  reason: string;
  howToAllow: string;
};
