import { z } from 'zod';
import { checkShape } from './check-shape.ts';

/** The two programs of the channel are all that is ever started by an exec; commands of a job travel inside it. */
export const checkExec = checkShape(
  z.strictObject({
    Cmd: z.tuple([
      z.literal('node'),
      z.literal('--disable-sigusr1'),
      z.enum(['/opt/backspace/toolbox/calls.js', '/opt/backspace/toolbox/way-out.js']),
    ]),
    AttachStdin: z.literal(true),
    AttachStdout: z.literal(true),
    AttachStderr: z.literal(false),
    Tty: z.literal(false),
  }),
);

/** dockerode sends its own options along: Docker does not know `hijack` and `stdin`, and is not told them. */
export const checkExecStart = checkShape(
  z
    .strictObject({
      Detach: z.literal(false).optional(),
      Tty: z.literal(false).optional(),
      hijack: z.literal(true).optional(),
      stdin: z.literal(true).optional(),
    })
    .transform(() => ({ Detach: false, Tty: false })),
);
