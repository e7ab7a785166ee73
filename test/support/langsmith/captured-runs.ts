/** A run as LangSmith would show it: what its post and its patches said, null where they said nothing. */
export type CapturedRun = {
  id: string;
  trace_id: string | null;
  parent_run_id: string | null;
  dotted_order: string | null;
  /** The project. */
  session_name: string | null;
  name: string | null;
  run_type: string | null;
  /** ISO 8601 or milliseconds, as the client sent it. */
  start_time: string | number | null;
  /** null while the run is open. */
  end_time: string | number | null;
  inputs: Record<string, unknown> | null;
  outputs: Record<string, unknown> | null;
  error: string | null;
  extra: { metadata?: Record<string, unknown>; [key: string]: unknown } | null;
  events: unknown[] | null;
  tags: string[] | null;
};

export type RunFields = Record<string, unknown>;
export type Operation = 'post' | 'patch';

/** Puts runs together from operations that may come split, twice (a retry) and in any order. */
export const createCapturedRuns = () => {
  const posts = new Map<string, RunFields>();
  const patches = new Map<string, RunFields>();
  return {
    add(operation: Operation, id: string, fields: RunFields): void {
      const seen = operation === 'post' ? posts : patches;
      // Setting a known id keeps its place, so the list stays in the order of first arrival.
      seen.set(id, { ...seen.get(id), ...said(fields) });
    },
    list: (): CapturedRun[] =>
      [...new Set([...posts.keys(), ...patches.keys()])].map((id) => ({
        ...silent,
        ...posts.get(id),
        ...patches.get(id),
        id,
      })),
  };
};

const said = (fields: RunFields): RunFields =>
  Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => name in silent && value !== null && value !== undefined),
  );

const silent: Omit<CapturedRun, 'id'> = {
  trace_id: null,
  parent_run_id: null,
  dotted_order: null,
  session_name: null,
  name: null,
  run_type: null,
  start_time: null,
  end_time: null,
  inputs: null,
  outputs: null,
  error: null,
  extra: null,
  events: null,
  tags: null,
};
