/** Where the way out listens, for whatever speaks to a proxy. */
export const wayOutPort = 3128;

const wayOut = `http://127.0.0.1:${wayOutPort}`;
const noProxy = '127.0.0.1,localhost';

/**
 * What every command inherits: programs find the egress by it, in the spellings that they know. It is no part of the
 * image, where it would be in the way of whoever builds one of their own upon it.
 */
export const commandEnvironment: NodeJS.ProcessEnv = {
  ...process.env,
  ...{ HTTPS_PROXY: wayOut, https_proxy: wayOut, HTTP_PROXY: wayOut, http_proxy: wayOut },
  ...{ NO_PROXY: noProxy, no_proxy: noProxy },
  // Node's fetch looks at them only when it is told so.
  NODE_USE_ENV_PROXY: '1',
};
