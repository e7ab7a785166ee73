import type { Span, SpanKind } from '../../server/domain/trace.ts';

export type Recorded = {
  kind: SpanKind;
  name: string;
  inputs: Record<string, unknown>;
  end?: Parameters<Span['end']>;
  children: Recorded[];
};

/** A span that keeps what it is told, its children's too. */
export const createRecordedSpan = (
  kind: SpanKind = 'chain',
  name = 'job',
  inputs: Record<string, unknown> = {},
): Span & { recorded: Recorded } => {
  const recorded: Recorded = { kind, name, inputs, children: [] };
  return {
    recorded,
    url: undefined,
    child: (...of) => {
      const child = createRecordedSpan(...of);
      recorded.children.push(child.recorded);
      return child;
    },
    end: (...end) => {
      recorded.end ??= end;
    },
  };
};
