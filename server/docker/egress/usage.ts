import type { EgressLimits } from './limits.ts';

/** What all tunnels of a job have used up together. */
export type Usage = {
  /** Why no more tunnel may be opened now; undefined when one may. */
  full(): string | undefined;
  /** Counts a tunnel until the returned function is called; a second call does nothing. */
  begin(): () => void;
  /** Counts bytes; a reason when they are more than the job may move in this direction. */
  add(direction: 'up' | 'down', bytes: number): string | undefined;
};

export const createUsage = (limits: EgressLimits): Usage => {
  const left = { up: limits.bytesUpMax, down: limits.bytesDownMax };
  let open = 0;
  let total = 0;

  const spent = (direction: 'up' | 'down'): string =>
    direction === 'up'
      ? `The job has sent more than ${limits.bytesUpMax} bytes.`
      : `The job has received more than ${limits.bytesDownMax} bytes.`;

  return {
    full() {
      if (left.up < 0) return spent('up');
      if (left.down < 0) return spent('down');
      if (open >= limits.connectionsMax) return `The job has ${limits.connectionsMax} connections open.`;
      if (total >= limits.connectionsTotalMax)
        return `The job has opened ${limits.connectionsTotalMax} connections.`;
      return undefined;
    },
    begin() {
      let ended = false;
      open += 1;
      total += 1;
      return () => {
        if (ended) return;
        ended = true;
        open -= 1;
      };
    },
    add(direction, bytes) {
      left[direction] -= bytes;
      return left[direction] < 0 ? spent(direction) : undefined;
    },
  };
};
