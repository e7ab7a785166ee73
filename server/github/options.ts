export type GitHubLimits = {
  /** All that one job may pull and send through its gateway. */
  gatewayBytesMax: number;
  /** One git request, from its first byte to its last, in either direction. */
  gatewayMs: number;
  /** Requests that one job may make through its gateway, in all and at the same time. */
  gatewayRequestsMax: number;
  gatewayRequestsAtOnceMax: number;
  /** The whole clone, checkout included. */
  cloneMs: number;
  packBytesMax: number;
  packObjectsMax: number;
  /** One commit or tree, inflated. */
  objectBytesMax: number;
  treeDepthMax: number;
  /** Files and directories of the base commit together. */
  basePathsMax: number;
  /** One request to the REST API. */
  apiTimeoutMs: number;
};

export type GitHubOptions = {
  /** Where git and people go: `https://github.com`, without a slash at the end. */
  url: string;
  /** Root of the REST API: `https://api.github.com`, without a slash at the end. */
  apiUrl: string;
  /** Where programs in a sandbox find the way out: `http://127.0.0.1:3128`. */
  wayOutUrl: string;
  token: string;
  userAgent: string;
  limits: GitHubLimits;
  temporaryDirectory: string;
  /** Asked before each request that changes something; what it throws, the write throws. */
  beforeWrite?: () => Promise<void>;
};
