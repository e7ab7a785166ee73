import type { Emit, JobFact } from '../domain/job-event.ts';
import type { ModelDelta } from '../domain/model.ts';
import { createPieces } from './pieces.ts';

/** Tells what the model says while it says it: in the order of its blocks, each piece stored before the next. */
export type ReplyEvents = {
  onDelta(delta: ModelDelta): void;
  /** Nothing more is said. Resolves when all that was is stored; rejects when something could not be stored. */
  settled(): Promise<void>;
};

type Piece = { kind: 'text' | 'thinking'; message: string };

/** With `before`, what an earlier server had told of this reply when it died. */
export const createReplyEvents = (emit: Emit, before: readonly JobFact[] = []): ReplyEvents => {
  let stored: Promise<void> = Promise.resolve();
  let kind: Piece['kind'] = 'text';
  /** What was told of this reply, and how much of it the present attempt has said so far. */
  const told: Piece[] = before.flatMap(pieceOf);
  let saidAgain = 0;

  const store = (fact: JobFact) => {
    stored = stored.then(() => emit(fact));
    // Whoever awaits `settled` gets the failure; until then it must not end the process.
    stored.catch(() => {});
  };
  const tell = (piece: Piece) => {
    const last = told[saidAgain];
    saidAgain += 1;
    // A reply that was cut and starts again often says the same once more: that was told already.
    if (last?.kind === piece.kind && last.message === piece.message) return;
    told.splice(saidAgain - 1, Number.POSITIVE_INFINITY, piece);
    store(factOf(piece));
  };
  const pieces = createPieces((message) => tell({ kind, message }));

  return {
    onDelta: (delta) => {
      switch (delta.type) {
        case 'text':
        case 'thinking':
          if (delta.type !== kind) pieces.end();
          kind = delta.type;
          pieces.add(delta.text);
          return;
        case 'block_end':
          pieces.end();
          return;
        case 'restart':
          pieces.drop();
          saidAgain = 0;
          return;
        case 'retry': {
          const { attempt, waitMs, error } = delta;
          store({ type: 'Model: Retry', attempt, waitMs, error });
          return;
        }
        case 'spent':
          // Nothing that is said: whoever asks counts it.
          return;
      }
    },
    settled: () => {
      pieces.end();
      return stored;
    },
  };
};

const pieceOf = (fact: JobFact): Piece[] => {
  if (fact.type === 'AI Message') return [{ kind: 'text', message: fact.message }];
  return fact.type === 'AI Thinking' ? [{ kind: 'thinking', message: fact.message }] : [];
};

const factOf = ({ kind, message }: Piece) =>
  kind === 'text' ? ({ type: 'AI Message', message } as const) : ({ type: 'AI Thinking', message } as const);
