import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The whole output of a command, where the model can read it. Nothing is made before the first write. */
export type OutputFile = {
  write(bytes: Buffer): void;
  /** Its path; null when nothing was written, or could be. */
  end(): string | null;
};

const directory = path.join(os.tmpdir(), 'backspace-output');
const fileBytesMax = 16 << 20;
const filesMax = 3;

/** /tmp may be full, or emptied meanwhile: then there is no file, and the command goes on all the same. */
export const createOutputFile = (name: string): OutputFile => {
  const file = path.join(directory, `${name}.txt`);
  let descriptor: number | undefined;
  let bytesLeft = fileBytesMax;
  let hasFailed = false;

  const attempt = (action: () => void) => {
    try {
      action();
    } catch {
      hasFailed = true;
    }
  };

  return {
    write(bytes) {
      if (hasFailed || bytesLeft <= 0) return;
      attempt(() => {
        descriptor ??= open(file);
        const taken = bytes.subarray(0, bytesLeft);
        bytesLeft -= taken.length;
        for (let at = 0; at < taken.length; ) at += writeSync(descriptor, taken, at);
        if (bytesLeft === 0) writeSync(descriptor, `\n[the rest is beyond ${fileBytesMax} bytes]\n`);
      });
    },
    end() {
      const opened = descriptor;
      if (opened === undefined) return null;
      attempt(() => closeSync(opened));
      return hasFailed ? null : file;
    },
  };
};

const open = (file: string): number => {
  mkdirSync(directory, { recursive: true });
  const older = readdirSync(directory)
    .map((name) => path.join(directory, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const one of older.slice(filesMax - 1)) rmSync(one, { force: true });
  return openSync(file, 'w');
};
