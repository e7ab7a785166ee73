export type AgentLimits = {
  /** Model replies in one job. */
  turnsMax: number;
  /** Input and output tokens of all turns together; input that comes from the cache counts like any other. */
  tokensMax: number;
  /** Input tokens of one request: what of the model's context is not kept free for its reply. */
  inputTokensMax: number;
  /** How long a command may run when the model does not say. */
  commandMs: number;
  /** How long a command may run at most. */
  commandMsMax: number;
  /** Of one command's output. */
  outputBytesMax: number;
  /** Of one file that is read at once. */
  readBytesMax: number;
  /** Paths in one listing. */
  filesMax: number;
  /** Matches of one search. */
  matchesMax: number;
  /** What all turns together may cost, in US dollars. Left out, there is no such limit. */
  costUsdMax?: number;
  /** Left out, the agent has all the time that it wants. */
  time?: AgentTime;
};

/** Milliseconds since 1970, as `Date.now()` tells them: the same for whichever server has the job. */
type AgentTime = {
  /** From here on the model is asked to come to an end. */
  nearAt: number;
  /** From here on it is asked nothing more: what is left of the job's time is for what comes after the agent. */
  endAt: number;
};
