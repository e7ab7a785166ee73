import { codes } from './codes.js';

/** An error answer. */
export const problem = (code, detail, headers = {}) => {
  const status = codes[code];
  if (!status) throw new Error(`No such code: ${code}`);
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    body: { code, status, detail },
  };
};
