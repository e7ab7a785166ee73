import type { WorkspaceFile } from './changeset.ts';
import type { Checkpoint } from './checkpoint.ts';

/** A request from inside a sandbox: hostile input. Header names are in lower case. */
export type WayOutRequest = {
  method: string;
  /** Path and query, as sent. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: AsyncIterable<Uint8Array>;
  /** Aborts when the sandbox gives the request up. */
  signal: AbortSignal;
};

export type WayOutResponse = {
  status: number;
  headers: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
};

/** The server's decision about what may leave a sandbox. A refusal is a response, too. */
export type WayOut = (request: WayOutRequest) => Promise<WayOutResponse>;

/** What the model can mend comes back as a message for it; a lost sandbox throws `sandbox_lost`. */
export type Reply<T> = ({ ok: true } & T) | { ok: false; message: string };

export type ExecRequest = {
  /**
   * A command for the sandbox's shell, which is kept: directory and exported variables last until the next one. Or the
   * words of a program without a shell. With `env` a command gets a shell of its own.
   */
  command: string | readonly string[];
  env?: Readonly<Record<string, string>>;
  /** For a program without a shell; without it stdin is closed. What it throws, the call throws. */
  stdin?: AsyncIterable<Uint8Array>;
  timeoutMs: number;
  /** Whether whatever began to run since is killed at its end, so only where no other command runs. */
  leavesNothing?: true;
  /** Of stdout and stderr together; the middle is left out beyond it. */
  outputBytesMax: number;
};

export type ExecResult = {
  output: string;
  /** null when a signal ended it. */
  exitCode: number | null;
  durationMs: number;
  timedOut: boolean;
  /** Bytes in the middle of the output that were left out. */
  bytesLeftOut: number;
  /** Where inside the whole output is, up to 16 MB, when bytes were left out; null when there is none. */
  outputFile: string | null;
};

export type ReadResult = {
  content: string;
  fromLine: number;
  toLine: number;
  totalLines: number;
  /** What is not seen in the content and matters for whoever changes it: line ends, encoding. */
  notes?: string[] | undefined;
};

/** With `replace_all` every occurrence, else the only one. */
export type Edit = { old_str: string; new_str: string; replace_all?: boolean | undefined };
/** The line of an edit's first place, in the file as it is after all edits, and how many places it had. */
export type MadeEdit = { line: number; places: number };
/** `edit` is the index of the one that did not fit; undefined when the file is to blame. */
export type EditReply =
  | { ok: true; edits: MadeEdit[] }
  | { ok: false; message: string; edit?: number | undefined };

/** `isContext`: it does not match, but stands near to a line that does. */
export type SearchMatch = { path: string; line: number; text: string; isContext?: true | undefined };

export type ListRequest = { path?: string; glob?: string; depth?: number; filesMax: number };
type ListResult = { paths: string[]; more: boolean; hint?: string | undefined };

export type SearchRequest = {
  /** ripgrep's regular expression, over several lines where there is a `\n` in it. */
  pattern: string;
  path?: string;
  glob?: string;
  /** The pattern is a text. */
  literal?: boolean;
  ignoreCase?: boolean;
  /** Lines before and after each match. */
  context?: number;
  /** The first match of each file only. */
  filesOnly?: boolean;
  /** Of matches and the lines around them together. */
  matchesMax: number;
};
type SearchResult = { matches: SearchMatch[]; more: boolean; hint?: string | undefined };

/**
 * One container under gVisor, used by one job and destroyed when disposed. Paths are relative to the workspace.
 * All of what comes out is hostile: parsed and capped before it gets here.
 */
export type Sandbox = AsyncDisposable & {
  id: string;
  /** By its name in SANDBOX_IMAGES. */
  image: string;
  /** Of the image that it was started from: a name may stand for another one by now. */
  imageId(): Promise<string>;
  /** Aborts with `sandbox_lost` as soon as the sandbox is gone, its disposal included; its channel says so, not Docker. */
  lost: AbortSignal;
  /** The OCI runtime's name, as registered with Docker. */
  runtime: string;
  kernel: string;
  /** Whether the kernel inside is gVisor's, by what it says of itself. */
  gvisor: boolean;
  /** Whether it was started ahead. */
  warm: boolean;
  /** How long it took until the job had it. */
  readyMs: number;
  /**
   * Sets who decides about requests from inside; before the first call everything is refused. What was let out until now
   * is cut.
   */
  openWayOut(wayOut: WayOut): void;
  /** `onOutput` gets the output as it comes, and of what does not fit a glimpse twice a second. */
  exec(request: ExecRequest, signal: AbortSignal, onOutput?: (chunk: string) => void): Promise<ExecResult>;
  read(
    file: { filepath: string; offset?: number; limit?: number; bytesMax: number },
    signal: AbortSignal,
  ): Promise<Reply<ReadResult>>;
  write(file: { filepath: string; content: string }, signal: AbortSignal): Promise<Reply<{ lines: number }>>;
  /** In their order, each on what the one before has left; all of them, or none. */
  edit(file: { filepath: string; edits: readonly Edit[] }, signal: AbortSignal): Promise<EditReply>;
  /**
   * Files that .gitignore does not hide, by their paths. Of those deeper than `depth` only their directories, as
   * `src/ (12 files)`. `hint` says why there are none.
   */
  list(where: ListRequest, signal: AbortSignal): Promise<Reply<ListResult>>;
  /** In the files that `list` would give; `hint` says what would have been found instead of nothing. */
  search(what: SearchRequest, signal: AbortSignal): Promise<Reply<SearchResult>>;
  /** Every file that is there and not ignored, and of `tracked` those that are there although ignored. */
  files(tracked: Iterable<string>, signal: AbortSignal): Promise<WorkspaceFile[]>;
  /** The files' bytes (a symlink's target), in the order asked for; throws if one is not as it was listed. */
  contents(files: readonly WorkspaceFile[], signal: AbortSignal): Promise<Uint8Array[]>;
  /**
   * Blobs of the base commit, in the order asked for, hashed by the server; undefined when they are more than `bytesMax`
   * bytes together.
   */
  blobs(ids: readonly string[], bytesMax: number, signal: AbortSignal): Promise<Uint8Array[] | undefined>;
  /** A git pack with the commit and its trees, without any blob and without deltas. */
  basePack(commit: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Unpacks a tar stream over the workspace. */
  unpack(archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** The sandbox's time, in seconds since 1970, as `takeSetup` wants it. */
  now(signal: AbortSignal): Promise<string>;
  /**
   * A tar stream of what has changed since then in the workspace, but for `.git` and the tracked files, and of all that is in
   * the home directory.
   */
  takeSetup(since: string, tracked: Iterable<string>, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Unpacks what `takeSetup` gave, of a sandbox of the same repository. */
  giveSetup(archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Brings a workspace that is at the base to the checkpoint. */
  restore(checkpoint: Checkpoint, signal: AbortSignal): Promise<void>;
  /** Lets go of it without an end: its container stays for a while, for whoever reattaches. */
  leave(): void;
};

export type Sandboxes = {
  /** What the default image is called on the engine. */
  image: string;
  /** Starts a sandbox, of the default image without another name in SANDBOX_IMAGES; throws `sandbox_unavailable` with what is missing. */
  acquire(jobId: string, signal: AbortSignal, image?: string): Promise<Sandbox>;
  /** One that its server has left; undefined when it is gone or cannot be reached from here. */
  reattach(containerId: string, signal: AbortSignal): Promise<Sandbox | undefined>;
};
