import { imageName } from './checks/command-rules.ts';

/** An image that a server offers for sandboxes. */
export type SandboxImage = {
  /** What requests and .backspace.yml call it. */
  name: string;
  /** What the Docker engine calls it. */
  reference: string;
  /** The tool chains in it, in words for people. */
  holds: string;
};

/** The name of SANDBOX_IMAGE, which a job gets that does not choose. */
export const defaultImage = 'default';

const entryForm = /^(?<name>[^=\s]+)\s*=\s*(?<reference>[\w./:@-]+)\s*\((?<holds>[^()\p{Cc}]{1,200})\)$/u;

/**
 * Reads `name=image (what it holds)`, the entries separated by semicolons. A list of which one entry cannot be read is
 * no list.
 */
export const parseSandboxImages = (text: string): readonly SandboxImage[] | { problem: string } => {
  const images: SandboxImage[] = [];
  for (const entry of text.split(';').map((part) => part.trim())) {
    if (entry === '') continue;
    const { name = '', reference = '', holds = '' } = entryForm.exec(entry)?.groups ?? {};
    if (!imageName.test(name)) {
      return { problem: 'must be entries as «go=my/sandbox-go:1.26 (Go 1.26)», separated by semicolons' };
    }
    if (name === defaultImage) return { problem: 'must not name «default»: that is SANDBOX_IMAGE' };
    if (images.some((image) => image.name === name)) return { problem: `must not name «${name}» twice` };
    images.push({ name, reference, holds: holds.trim() });
  }
  return images;
};

/** What may be chosen, in one line for people: each name with what it holds. */
export const listOfImages = (images: readonly Pick<SandboxImage, 'name' | 'holds'>[]): string =>
  images.map(({ name, holds }) => (holds === '' ? name : `${name} (${holds})`)).join(', ');
