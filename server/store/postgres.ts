import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool, type QueryResult } from 'pg';
import type { Log } from '../domain/log.ts';
import type { Database } from './database.ts';

export type PostgresOptions = {
  url: string;
  connectionsMax: number;
  /** Until a connection is there. */
  connectMs: number;
  /** For one statement; a database that does not answer must not hold whoever asks for ever. */
  statementMs: number;
  /** How long a server may be silent within a transaction: one that sleeps there must not keep its locks from the others. */
  silenceMs: number;
  log: Log;
};

/** A PostgreSQL server, which any number of our servers may share. Connects at the first statement. */
export const openPostgres = (options: PostgresOptions): Database => {
  const { url, connectMs, statementMs, silenceMs, log } = options;
  const connection = {
    connectionString: url,
    application_name: 'tiny-backspace',
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    query_timeout: statementMs + 1000,
    idle_in_transaction_session_timeout: silenceMs,
    keepAlive: true,
  };
  const pool = new Pool({ ...connection, max: options.connectionsMax });
  // An idle connection that breaks is replaced; whoever needs the database hears of its own failure.
  pool.on('error', (err) => log.warn({ err }, 'a database connection broke'));

  return {
    backend: 'postgres',
    query: (text, values) => ask(pool, text, values),
    async transaction(action) {
      const client = await pool.connect();
      let failure: Error | undefined;
      const onError = (error: Error) => {
        failure = error;
      };
      client.on('error', onError);
      try {
        await client.query('BEGIN');
        const result = await action({ query: (text, values) => ask(client, text, values) });
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch((broken: Error) => onError(broken));
        throw error;
      } finally {
        client.off('error', onError);
        // One that broke is not given to anybody else.
        client.release(failure);
      }
    },
    listen: (channel, onNotify, onGap) => listen(connection, channel, onNotify, onGap, log),
    [Symbol.asyncDispose]: () => pool.end(),
  };
};

const ask = async <Row>(
  to: { query(text: string, values?: unknown[]): Promise<QueryResult> },
  text: string,
  values?: readonly unknown[],
): Promise<Row[]> => {
  const answer = await to.query(text, values === undefined ? undefined : [...values]);
  // Several statements at once have several results.
  return (Array.isArray(answer) ? answer.flatMap(({ rows }) => rows) : answer.rows) as Row[];
};

/** On a connection of its own, made again whenever it is lost. */
const listen: (
  connection: object,
  channel: string,
  onNotify: (payload: string) => void,
  onGap: () => void,
  log: Log,
) => ReturnType<Database['listen']> = async (connection, channel, onNotify, onGap, log) => {
  const retryMs = 500;
  const aliveMs = 10_000;
  const stopping = new AbortController();
  let current: Client | undefined;

  const connect = async (): Promise<Client> => {
    // Without the limits for statements: it only waits.
    const client = new Client({ ...connection, statement_timeout: 0, query_timeout: 5000 });
    client.on('notification', ({ payload }) => onNotify(payload ?? ''));
    client.on('error', (err) => {
      if (!stopping.signal.aborted) log.warn({ err }, 'the database connection that listens broke');
    });
    await client.connect();
    await client.query(`LISTEN ${channel}`);
    return client;
  };
  /** Until the connection is lost: a host that vanished is noticed by asking. */
  const live = async (client: Client) => {
    const ended = new AbortController();
    client.once('end', () => ended.abort());
    const signal = AbortSignal.any([ended.signal, stopping.signal]);
    while (!signal.aborted) {
      await sleep(aliveMs, undefined, { signal, ref: false }).catch(() => {});
      if (!signal.aborted) await client.query('SELECT 1');
    }
  };
  const keep = async (first: Client) => {
    for (let client: Client | undefined = first; !stopping.signal.aborted; ) {
      if (client !== undefined) {
        current = client;
        onGap();
        await live(client).catch(() => {});
        await client.end().catch(() => {});
      }
      if (stopping.signal.aborted) return;
      await sleep(retryMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      client = await connect().catch(() => undefined);
    }
  };
  const kept = keep(await connect());
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await current?.end().catch(() => {});
      await kept;
    },
  };
};
