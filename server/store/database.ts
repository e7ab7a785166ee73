/** Statements in one dialect, PostgreSQL's; parameters are `$1`, `$2`, … */
export type Sql = {
  /** Without values it may be several statements at once; then the rows of all of them come back. */
  query<Row = unknown>(text: string, values?: readonly unknown[]): Promise<Row[]>;
};

export type Database = Sql &
  AsyncDisposable & {
    /** What the database calls itself to pg-boss. */
    backend: 'postgres' | 'pglite';
    /** Commits when the action resolves, and rolls back when it rejects. */
    transaction<T>(action: (sql: Sql) => Promise<T>): Promise<T>;
    /**
     * Calls `onNotify` for every NOTIFY on the channel, and `onGap` whenever some may have been missed: at the beginning
     * and after each lost connection.
     */
    listen(channel: string, onNotify: (payload: string) => void, onGap: () => void): Promise<AsyncDisposable>;
  };
