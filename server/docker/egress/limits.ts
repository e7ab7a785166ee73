/** Of one job, over all its tunnels. */
export type EgressLimits = {
  /** Open at once. */
  connectionsMax: number;
  connectionsTotalMax: number;
  bytesUpMax: number;
  bytesDownMax: number;
  /** How long a tunnel may move nothing. */
  idleMs: number;
  /** How long a resolution, and each attempt to connect, may take. */
  connectMs: number;
  /** How long the client may take to send its ClientHello. */
  helloMs: number;
};
