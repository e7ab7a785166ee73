import { z } from 'zod';
import { type BodyCheck, checkShape } from './check-shape.ts';

/** What a sandbox may be at most; image and runtime are the only ones there are. */
export type SandboxBounds = {
  images: readonly string[];
  runtime: string;
  memoryBytesMax: number;
  cpusMax: number;
  pidsMax: number;
  processesMax: number;
  openFilesMax: number;
  workspaceBytesMax: number;
  homeBytesMax: number;
  tmpBytesMax: number;
  orphanSecondsMax: number;
};

/** Every container of the server carries it: by this the proxy knows which ones the server may touch. */
export const serverLabel = 'io.tiny-backspace.server';
export const jobLabel = 'io.tiny-backspace.job';
const processLabel = 'io.tiny-backspace.process';
const expiresLabel = 'io.tiny-backspace.expires';
const labelValue = /^[\w.-]{1,128}$/;

/**
 * The one shape of container that may be created. It says the same as `containerSpec` in server/docker, on purpose in
 * words of its own: this program has to hold when the server does not. Every field must be there, since Docker's
 * defaults are weaker, and there are no others: what this list does not name is refused, whatever Docker adds one day.
 */
export const createContainerCheck = (bounds: SandboxBounds): BodyCheck =>
  checkShape(z.strictObject({ ...containerFields(bounds), HostConfig: hostConfig(bounds) }));

/** dockerode repeats the body in the query: these names may be there, and are not forwarded. */
export const containerFieldNames = (bounds: SandboxBounds): readonly string[] => [
  ...Object.keys(containerFields(bounds)),
  'HostConfig',
];

const [uid, gid] = ['10001', '10001'];

const containerFields = (bounds: SandboxBounds) => ({
  Image: z.enum(bounds.images),
  Cmd: z.tuple([z.literal('/opt/backspace/toolbox/first-process.pl')]),
  User: z.literal(`${uid}:${gid}`),
  WorkingDir: z.literal('/workspace'),
  Hostname: z.literal('sandbox'),
  Env: z.tuple([numberIn(/^BACKSPACE_ORPHAN_SECONDS=(\d{1,15})$/, bounds.orphanSecondsMax)]),
  Labels: z.strictObject({
    [serverLabel]: z.string().regex(labelValue),
    [processLabel]: z.string().regex(labelValue),
    [jobLabel]: z.string().regex(labelValue),
    [expiresLabel]: z.string().regex(/^\d{1,12}$/),
  }),
  AttachStdin: z.literal(false),
  AttachStdout: z.literal(false),
  AttachStderr: z.literal(false),
});

const hostConfig = (bounds: SandboxBounds) =>
  z
    .strictObject({
      Runtime: z.literal(bounds.runtime),
      NetworkMode: z.literal('none'),
      Dns: z.tuple([z.literal('127.0.0.1')]),
      DnsSearch: z.tuple([z.literal('.')]),
      ReadonlyRootfs: z.literal(true),
      Tmpfs: z.strictObject({
        '/workspace': tmpfs(bounds.workspaceBytesMax),
        '/home/backspace': tmpfs(bounds.homeBytesMax),
        '/tmp': tmpfs(bounds.tmpBytesMax),
      }),
      CapDrop: z.tuple([z.literal('ALL')]),
      SecurityOpt: z.tuple([z.literal('no-new-privileges')]),
      Memory: upTo(bounds.memoryBytesMax),
      MemorySwap: upTo(bounds.memoryBytesMax),
      NanoCpus: upTo(Math.round(bounds.cpusMax * 1e9)),
      PidsLimit: upTo(bounds.pidsMax),
      Ulimits: z.tuple([
        ulimit('nofile', upTo(bounds.openFilesMax)),
        ulimit('nproc', upTo(bounds.processesMax)),
        ulimit('core', z.literal(0)),
      ]),
      Init: z.literal(true),
      IpcMode: z.literal('private'),
      LogConfig: z.strictObject({ Type: z.literal('none'), Config: z.strictObject({}) }),
      AutoRemove: z.literal(true),
      RestartPolicy: z.strictObject({ Name: z.literal('no') }),
    })
    .refine(({ Memory, MemorySwap }) => Memory === MemorySwap, {
      path: ['MemorySwap'],
      error: 'it must equal Memory, so that there is no swap',
    });

/** From 1: for Docker and for tmpfs, 0 and negative numbers mean «without limit». */
const upTo = (max: number) => z.number().int().min(1).max(max);

const ulimit = (name: string, value: z.ZodType<number>) =>
  z.strictObject({ Name: z.literal(name), Soft: value, Hard: value });

const tmpfs = (bytesMax: number) =>
  numberIn(new RegExp(`^rw,exec,nosuid,nodev,size=(\\d{1,15}),uid=${uid},gid=${gid},mode=0755$`), bytesMax);

/** A text in which only one number is free. */
const numberIn = (form: RegExp, max: number) =>
  z.string().refine(
    (text) => {
      const number = Number(form.exec(text)?.[1] ?? 0);
      return number >= 1 && number <= max;
    },
    { error: `expected ${form.source} with a number from 1 to ${max}` },
  );
