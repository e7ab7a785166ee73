import { readFile } from 'node:fs/promises';

/** What the kernel knows of a process: memory that it has in pages, and processor time since its start. */
export const useOf = async (pid: number): Promise<{ rssKilobytes: number; processorMs: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  // The name in brackets may have spaces; behind it utime and stime are the 12th and 13th word, in hundredths of a second.
  const words = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ') ?? [];
  return {
    rssKilobytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]),
    processorMs: (Number(words[11]) + Number(words[12])) * 10,
  };
};
