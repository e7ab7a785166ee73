import { type CommandEnd, startBash } from './bash.ts';

/**
 * A bash that is kept, so that its directory and its variables last from command to command, and so that a command
 * need not wait for a shell to start: inside gVisor that takes 30 to 50 ms. One that ended, because a command said
 * `exit` or was killed, is replaced ahead of the next command, which finds directory and exported variables as they
 * were last known.
 */
export type Shell = {
  /** undefined while another command runs in it. */
  run(
    command: string,
    callId: string,
    onOutput: (bytes: Buffer) => void,
  ): { pid: number | undefined; ended: Promise<CommandEnd> } | undefined;
};

export const createShell = (): Shell => {
  let bash = startBash();
  let isFresh = true;
  let isBusy = false;
  /** Brings a fresh shell to where the last one was. */
  let known = '';

  const replace = () => {
    bash = startBash();
    isFresh = true;
  };

  return {
    run(command, callId, onOutput) {
      if (isBusy) return undefined;
      if (bash.hasEnded()) replace();
      const current = bash;
      isBusy = true;
      const running = async (): Promise<CommandEnd> => {
        try {
          const { state, end } = await current.run(
            { callId, before: isFresh ? known : '', command },
            onOutput,
          );
          if (state !== undefined) {
            known = state;
            isFresh = false;
          }
          return end;
        } finally {
          isBusy = false;
          if (current.hasEnded()) replace();
        }
      };
      return { pid: current.pid, ended: running() };
    },
  };
};
