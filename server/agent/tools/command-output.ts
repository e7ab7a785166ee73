import type { Emit } from '../../domain/job-event.ts';

/** Not for short commands, whose end tells all, and not more often than anybody can read. */
const everyMs = 500;
const eventsMax = 200;
const charactersMax = 4000;

/**
 * Tells what a command prints while it runs, in events of a size that people and stores bear. The command does not wait
 * for them: its whole output comes with its end.
 */
export const tellOutput = (callId: string, emit: Emit): { add(text: string): void; end(): void } => {
  let eventsLeft = eventsMax;
  let pending = '';
  const timer = setInterval(() => {
    if (pending === '') return;
    const output = pending;
    pending = '';
    eventsLeft -= 1;
    if (eventsLeft === 0) clearInterval(timer);
    // A store that takes nothing more fails the event at the command's end as well.
    emit({ type: 'Tool: Output', output, callId }).catch(() => {});
  }, everyMs);
  return {
    add: (text) => {
      // The newest is what whoever waits wants to see.
      if (eventsLeft > 0) pending = (pending + text).slice(-charactersMax).toWellFormed();
    },
    end: () => clearInterval(timer),
  };
};
