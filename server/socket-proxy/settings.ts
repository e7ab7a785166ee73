import { z } from 'zod';
import { parseSandboxImages } from '../domain/sandbox-image.ts';
import type { SandboxBounds } from './container-check.ts';

/**
 * The names and defaults that the server has for its sandboxes: what it is set to ask for is the most that it may
 * get here. So one file .env serves both, and a server that was taken over cannot raise its own limits.
 */
const upTo = (otherwise: number) => z.coerce.number().int().min(1).default(otherwise);

const words = z.string().transform((text) =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== ''),
);

const settings = z.object({
  SOCKET_PROXY_LISTEN: z
    .string()
    .regex(/^(unix:\/\/\/.+|tcp:\/\/[^/]+:\d+)$/, 'must be unix:///path or tcp://host:port')
    .default('unix:///run/backspace/docker.sock')
    .describe('where the server finds the proxy: its DOCKER_HOST'),
  SOCKET_PROXY_ENGINE: z
    .string()
    .regex(/^unix:\/\/\/.+$/, 'must be unix:///path')
    .default('unix:///var/run/docker.sock')
    .describe('the Docker engine’s own socket'),
  SANDBOX_IMAGE: words
    .pipe(z.array(z.string().regex(/^[\w./:@-]+$/, 'must be names of images')).min(1))
    .default(['tiny-backspace/sandbox:latest'])
    .describe('the image of the sandboxes; several are separated by commas'),
  SANDBOX_IMAGES: z
    .string()
    .transform((text, context) => {
      const images = parseSandboxImages(text);
      if (!('problem' in images)) return images.map(({ reference }) => reference);
      context.addIssue(images.problem);
      return z.NEVER;
    })
    .default([])
    .describe('the other images that a job may choose'),
  SANDBOX_RUNTIME: z.string().min(1).default('runsc-backspace').describe('gVisor, as registered with Docker'),
  SANDBOX_MEMORY_MB: upTo(2048).describe('memory of a sandbox'),
  SANDBOX_CPUS: z.coerce.number().min(0.1).max(1024).default(2).describe('processors of a sandbox'),
  SANDBOX_PIDS_MAX: upTo(2048).describe('host threads of a sandbox'),
  SANDBOX_PROCESSES_MAX: upTo(512).describe('processes inside a sandbox'),
  SANDBOX_OPEN_FILES_MAX: upTo(4096).describe('open files of a process'),
  SANDBOX_WORKSPACE_MB: upTo(1024).describe('size of /workspace'),
  SANDBOX_HOME_MB: upTo(256).describe('size of the home directory'),
  SANDBOX_TMP_MB: upTo(256).describe('size of /tmp'),
  SANDBOX_ORPHAN_SECONDS: upTo(300).describe('how long a sandbox outlives a server that died'),
});

export type ProxySettings = { listen: string; engineSocket: string; bounds: SandboxBounds };

/** What is wrong with the environment, as one message for a person. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

export const readSettings = (environment: NodeJS.ProcessEnv): ProxySettings => {
  // An empty value in a compose file means «not set».
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(describeIssue);
    throw new SettingsError(
      ['The socket proxy cannot start with these settings:', '', ...problems].join('\n'),
    );
  }
  const { SOCKET_PROXY_LISTEN, SOCKET_PROXY_ENGINE, ...sandbox } = parsed.data;
  return {
    listen: SOCKET_PROXY_LISTEN,
    engineSocket: new URL(SOCKET_PROXY_ENGINE).pathname,
    bounds: sandboxBounds(sandbox),
  };
};

const megabyte = 1 << 20;

const sandboxBounds = (
  given: Omit<z.infer<typeof settings>, 'SOCKET_PROXY_LISTEN' | 'SOCKET_PROXY_ENGINE'>,
): SandboxBounds => ({
  images: [...given.SANDBOX_IMAGE, ...given.SANDBOX_IMAGES],
  runtime: given.SANDBOX_RUNTIME,
  memoryBytesMax: given.SANDBOX_MEMORY_MB * megabyte,
  cpusMax: given.SANDBOX_CPUS,
  pidsMax: given.SANDBOX_PIDS_MAX,
  processesMax: given.SANDBOX_PROCESSES_MAX,
  openFilesMax: given.SANDBOX_OPEN_FILES_MAX,
  workspaceBytesMax: given.SANDBOX_WORKSPACE_MB * megabyte,
  homeBytesMax: given.SANDBOX_HOME_MB * megabyte,
  tmpBytesMax: given.SANDBOX_TMP_MB * megabyte,
  orphanSecondsMax: given.SANDBOX_ORPHAN_SECONDS,
});

const describeIssue = (issue: z.core.$ZodIssue): string => {
  const name = String(issue.path[0]);
  const meaning = settings.shape[name as keyof typeof settings.shape].description;
  return `  ${name}: ${issue.message}; it is ${meaning}.`;
};
