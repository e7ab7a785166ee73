import path from 'node:path';

/** Where the clone is. A test without a container sets the variable; in the image it is always /workspace. */
export const workspace = process.env.BACKSPACE_WORKSPACE ?? '/workspace';

/** Only there all processes are the sandbox's own. */
export const isInImage = process.env.BACKSPACE_WORKSPACE === undefined;

export const resolvePath = (filepath: string): string => path.resolve(workspace, filepath);

/** What the model can mend: it reads the message and tries again. */
export type Problem = { ok: false; message: string };
export const problem = (message: string): Problem => ({ ok: false, message });
