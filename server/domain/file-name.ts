/** Without the characters that macOS leaves out of a name: those of git's own utf8.c, `next_hfs_char`. */
export const visibleName = (name: string): string =>
  name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '');

/**
 * Whether macOS or Windows takes the name for `meant`, which is in lower case, so that a file of this name would be
 * written over that one where somebody checks the commit out. Neither tells upper from lower case; Windows leaves out
 * what stands behind a colon, and dots and spaces at the end, and knows a short name for each longer one: WORKFL~1.
 */
export const isTakenFor = (meant: string, name: string): boolean => {
  const [plain = ''] = visibleName(name).split(':');
  const read = plain.toLowerCase().replace(/[. ]+$/, '');
  const [stem, number = ''] = withoutDot(read).split('~');
  const isShort = stem === withoutDot(meant).slice(0, shortNameLetters) && /^[1-9]$/.test(number);
  return read === meant || isShort;
};

const withoutDot = (name: string): string => name.replace(/^\./, '');
const shortNameLetters = 6;
