import type { Config } from './config.ts';

/** What each setting by itself may be, and all of them together cannot: one sentence each. */
export const crossChecks = (config: Partial<Config>): string[] => [
  ...filesBeyondMemory(config),
  ...processesBeyondThreads(config),
  ...commandBeyondLimit(config),
  ...headersBeyondRequest(config),
  ...replyBeyondContext(config),
];

const filesBeyondMemory = (config: Partial<Config>): string[] => {
  const { SANDBOX_MEMORY_MB, SANDBOX_WORKSPACE_MB = 0, SANDBOX_HOME_MB = 0, SANDBOX_TMP_MB = 0 } = config;
  const files = SANDBOX_WORKSPACE_MB + SANDBOX_HOME_MB + SANDBOX_TMP_MB;
  if (SANDBOX_MEMORY_MB === undefined || files <= SANDBOX_MEMORY_MB) return [];
  return [
    `SANDBOX_MEMORY_MB is ${SANDBOX_MEMORY_MB}, less than workspace, home and tmp together (${files}): their files count as memory.`,
  ];
};

/** A process inside takes up to two threads of the host, and at the limit of those the whole sandbox dies. */
const processesBeyondThreads = ({ SANDBOX_PIDS_MAX, SANDBOX_PROCESSES_MAX }: Partial<Config>): string[] => {
  if (SANDBOX_PIDS_MAX === undefined || SANDBOX_PROCESSES_MAX === undefined) return [];
  if (SANDBOX_PIDS_MAX >= 2 * SANDBOX_PROCESSES_MAX) return [];
  return [
    `SANDBOX_PIDS_MAX is ${SANDBOX_PIDS_MAX}, less than twice SANDBOX_PROCESSES_MAX (${SANDBOX_PROCESSES_MAX}): a sandbox would die before its commands meet their limit.`,
  ];
};

const commandBeyondLimit = ({ COMMAND_SECONDS, COMMAND_SECONDS_MAX }: Partial<Config>): string[] => {
  if (COMMAND_SECONDS === undefined || COMMAND_SECONDS_MAX === undefined) return [];
  if (COMMAND_SECONDS <= COMMAND_SECONDS_MAX) return [];
  return [`COMMAND_SECONDS is ${COMMAND_SECONDS}, more than COMMAND_SECONDS_MAX (${COMMAND_SECONDS_MAX}).`];
};

/** Node's HTTP server takes no other order. */
const headersBeyondRequest = ({ HEADERS_SECONDS_MAX, REQUEST_SECONDS_MAX }: Partial<Config>): string[] => {
  if (HEADERS_SECONDS_MAX === undefined || REQUEST_SECONDS_MAX === undefined) return [];
  if (HEADERS_SECONDS_MAX <= REQUEST_SECONDS_MAX) return [];
  return [
    `HEADERS_SECONDS_MAX is ${HEADERS_SECONDS_MAX}, more than REQUEST_SECONDS_MAX (${REQUEST_SECONDS_MAX}).`,
  ];
};

/** The prompt, the tools and a few turns must have room beside a reply. */
const requestTokensMin = 16_000;

const replyBeyondContext = ({ MODEL_CONTEXT_TOKENS, MODEL_OUTPUT_TOKENS_MAX }: Partial<Config>): string[] => {
  if (MODEL_CONTEXT_TOKENS === undefined || MODEL_OUTPUT_TOKENS_MAX === undefined) return [];
  if (MODEL_CONTEXT_TOKENS - MODEL_OUTPUT_TOKENS_MAX >= requestTokensMin) return [];
  return [
    `MODEL_CONTEXT_TOKENS is ${MODEL_CONTEXT_TOKENS}, less than MODEL_OUTPUT_TOKENS_MAX (${MODEL_OUTPUT_TOKENS_MAX}) and ${requestTokensMin} for the request.`,
  ];
};
