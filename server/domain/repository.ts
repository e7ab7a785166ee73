/** `owner/name` as it stands in a GitHub URL, without `.git`. */
export type RepositoryName = { owner: string; name: string };

/** The commit that a job starts from, as GitHub's API says, never as the sandbox says. */
export type Base = {
  /** Numeric id, stable across renames. */
  repositoryId: number;
  /** The canonical name: renames are followed before anything else happens. */
  repository: RepositoryName;
  private: boolean;
  branch: string;
  /** 40 hexadecimal digits. */
  commit: string;
};

export type FileMode = '100644' | '100755' | '120000' | '160000';

export type TreeFile = { mode: FileMode; blobId: string };
