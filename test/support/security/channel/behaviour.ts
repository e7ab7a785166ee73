import type { Step } from './script.ts';

/** Something that a taken-over sandbox does to one session of its channel, and what must come of it. */
export type Behaviour = CallsBehaviour | WayOutBehaviour;

type Common = {
  /** Reads as «a sandbox that sends …». */
  name: string;
  steps: Step[];
  /** Reads nothing of what the server says. */
  deaf?: true;
  /** The toolbox itself goes on beside it. */
  toolboxGoesOn?: true;
};

export type CallsBehaviour = Common & {
  session: 'calls';
  /** The call that is under way meanwhile; `read` when left out. */
  call?: CallName;
  /**
   * What becomes of the call: the sandbox counts as lost, or it is given up by who asked since nothing came of it, or it
   * is answered.
   */
  callEnds: 'lost' | 'given up' | 'answered';
  /** Only the server's own limits end the call: up to half a minute. */
  slow?: true;
};

export type WayOutBehaviour = Common & {
  session: 'way-out';
  /** Who decides about requests: production's gateway and egress when left out. */
  decider?: 'hangs' | 'answers without end';
  /** Whether the server has closed the session, or bears with it. */
  sessionEnds: 'closed' | 'open';
};

export type CallName = 'read' | 'run' | 'upload' | 'loot';

/** What the program inside says of itself. */
export type Report = { ended: 'played' | 'closed' | 'held up'; sent: number };

/** What the server's process says of an attack. */
export type Outcome = {
  /** How the call ended, in the words of its error or its answer. */
  call: string;
  callCode: 'lost' | 'given up' | 'answered' | 'no call';
  report: Report | undefined;
  /** Whether the calls of this sandbox still work, for an attack on its way out. */
  callsWork: boolean;
  /** What the thief has read of the session, in base64. */
  heard: string;
  /** How long each piece of the neighbour's work took meanwhile. */
  neighbourMs: number[];
};
