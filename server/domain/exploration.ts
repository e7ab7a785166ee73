import type { ChecksSource, PlannedCheck } from './checks/evidence.ts';

/** What the base commit says of itself, read by the server from blobs that it has hashed. */
export type Exploration = {
  /** Files in the base commit. */
  files: number;
  /** Directories and files to a sensible depth, one a line, for the model. */
  tree: string;
  /** The most frequent first. */
  languages: readonly { name: string; files: number }[];
  /** Paths of package.json, pyproject.toml, go.mod, … */
  manifests: readonly string[];
  /** AGENTS.md, CLAUDE.md, CONTRIBUTING.md: the repository's words, each cut to size. */
  instructions: readonly { path: string; text: string }[];
  checks: readonly PlannedCheck[];
  checksFrom: ChecksSource;
  /** Commands that install what the checks need; empty when neither the request nor .backspace.yml names any. */
  setup: readonly string[];
  /** A name in SANDBOX_IMAGES; undefined for the server's default image. */
  image?: string;
  /** The tool chains of that image, in the words of SANDBOX_IMAGES. */
  imageHolds?: string;
  /** What could not be used, and why, one sentence each. */
  notes: readonly string[];
};
