/** Whether the text ends with a line that only announces what follows: a heading, a bold line, «Two things:». */
export const endsInHeading = (text: string): boolean => {
  const lastLine = text.trimEnd().split('\n').at(-1) ?? '';
  return /^#{1,6} |^\*\*[^*]+\*\*:?$|:$/.test(lastLine.trim());
};
