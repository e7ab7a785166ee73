import type { ChangedFile, Changeset } from '../domain/changeset.ts';

/** A changeset as JSON. */
export type StoredChangeset = Pick<Changeset, 'leftOut'> & {
  files: (Exclude<ChangedFile, { content: Uint8Array }> | (Omit<Changed, 'content'> & { base64: string }))[];
};

type Changed = Extract<ChangedFile, { content: Uint8Array }>;

export const storedChangeset = ({ files, leftOut }: Changeset): StoredChangeset => ({
  leftOut,
  files: files.map((file) => {
    if (file.status === 'deleted') return file;
    const { content, ...rest } = file;
    return { ...rest, base64: Buffer.from(content).toString('base64') };
  }),
});

export const changesetOf = ({ files, leftOut }: StoredChangeset): Changeset => ({
  leftOut,
  files: files.map((file) => {
    if (file.status === 'deleted') return file;
    const { base64, ...rest } = file;
    return { ...rest, content: Buffer.from(base64, 'base64') };
  }),
});
