/**
 * Turns what git writes to a terminal («Receiving objects:  43% (1032/2400), 8.2 MiB | 4.1 MiB/s\r») into progress,
 * and tells it in steps: a new phase, ten percent more, the hundredth, or a quarter of a second later.
 */
export const createProgressReader = (
  onProgress: (phase: string, percent: number) => void,
): ((chunk: string) => void) => {
  let unfinished = '';
  let told: { phase: string; percent: number; at: number } | undefined;

  const read = (line: string): void => {
    const match = /^(?:remote: )?([A-Z][A-Za-z ]{2,30}):\s+(\d{1,3})% \(/.exec(line);
    const [, phase, digits] = match ?? [];
    if (phase === undefined) return;
    const percent = Math.min(Number(digits), 100);
    const at = performance.now();
    if (told?.phase === phase) {
      if (percent <= told.percent) return;
      const isStep = percent >= told.percent + 10 || percent === 100 || at >= told.at + 250;
      if (!isStep) return;
    }
    told = { phase, percent, at };
    onProgress(phase, percent);
  };

  return (chunk) => {
    const lines = (unfinished + chunk).split(/[\r\n]/);
    // A piece may end in the middle of a line, but no line of git's progress is long.
    unfinished = (lines.pop() ?? '').slice(-lineLengthMax);
    for (const line of lines) read(line);
  };
};

const lineLengthMax = 1000;
