import assert from 'node:assert/strict';
import type { FarEnds } from '../far-ends.ts';
import { type ServerProcess, startServerProcess } from '../server-process.ts';

/** Server processes by their ids. */
export type Servers = {
  start(id: string): Promise<void>;
  /** One that is up. */
  any(): ServerProcess;
  get(id: string): ServerProcess | undefined;
  strike(id: string, signal: 'SIGKILL' | 'SIGSTOP'): void;
  wake(id: string): Promise<void>;
  stop(id: string): Promise<void>;
  stopAll(): Promise<void>;
  logs(): string;
};

export const createServers = (farEnds: FarEnds, ids: readonly string[], program?: string): Servers => {
  const up = new Map<string, ServerProcess>();
  const asleep = new Map<string, ServerProcess>();
  const logs: string[] = [];
  const forget = (id: string) => {
    const server = up.get(id);
    if (server) logs.push(`--- ${id}\n${server.log()}`);
    up.delete(id);
    return server;
  };
  return {
    async start(id) {
      if (up.has(id)) return;
      const settings = { ...farEnds.settings, SERVER_ID: id, STOP_GRACE_SECONDS: '0' };
      // So that whoever is caught at a write can be told by its connection.
      const url = `${farEnds.settings.DATABASE_URL}&application_name=${id}`;
      up.set(id, await startServerProcess({ ...settings, DATABASE_URL: url }, undefined, program));
    },
    any: () => [...up.values()][0] ?? assert.fail('no server is up'),
    get: (id) => up.get(id),
    strike(id, signal) {
      const server = forget(id) ?? assert.fail(`${id} is not up`);
      server.process.kill(signal);
      if (signal === 'SIGSTOP') asleep.set(id, server);
    },
    async wake(id) {
      const server = asleep.get(id);
      if (!server) return;
      asleep.delete(id);
      server.process.kill('SIGCONT');
      up.set(id, server);
    },
    async stop(id) {
      await forget(id)?.stop('SIGTERM');
    },
    async stopAll() {
      for (const server of asleep.values()) server.process.kill('SIGKILL');
      for (const id of ids) await forget(id)?.stop('SIGTERM');
    },
    logs: () => [...logs, ...[...up].map(([id, server]) => `--- ${id}\n${server.log()}`)].join('\n'),
  };
};
