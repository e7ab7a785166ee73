import type { Log } from '../domain/log.ts';
import { listen } from './listen.ts';
import { createPolicy } from './policy.ts';
import { createProxy } from './proxy.ts';
import { type ProxySettings, readSettings, SettingsError } from './settings.ts';

/**
 * A program of its own, in a container of its own: the only one that holds the Docker socket. The server is given
 * this one's socket, through which it can start and use its sandboxes and do nothing else.
 */
const start = async ({ listen: address, engineSocket, bounds }: ProxySettings): Promise<void> => {
  const limits = { requestTimeoutMs: 10_000, engineTimeoutMs: 120_000, connectionsMax: 4096 };
  const server = createProxy({ engineSocket, policy: createPolicy(bounds), limits, log });
  await listen(server, address);
  log.info({ address, engineSocket, bounds }, 'socket proxy listens');

  const stop = () => {
    // Removes the socket file; hijacked connections end with the process.
    server.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, stop);
};

/** One line of JSON for each entry, without a library: what guards the engine depends on as little as possible. */
const write = (level: string) => (fields: Record<string, unknown>, message: string) => {
  const line = { level, time: new Date().toISOString(), ...fields, msg: message };
  process.stdout.write(
    `${JSON.stringify(line, (_, value) => (value instanceof Error ? value.message : value))}\n`,
  );
};

const log: Log = { info: write('info'), warn: write('warn'), error: write('error') };

const settingsOrExit = (): ProxySettings => {
  try {
    return readSettings(process.env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
};

await start(settingsOrExit());
