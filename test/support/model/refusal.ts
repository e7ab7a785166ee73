/** An error answer in Anthropic's shape. Whatever throws it, the server's one handler turns it into the response. */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  constructor(status: number, message: string, type = errorType(status)) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.type = type;
  }
}

/** The error types of platform.claude.com/docs/en/api/errors. */
export const errorType = (status: number): string =>
  errorTypes[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');

export const errorBody = (type: string, message: string, requestId: string | null) => ({
  type: 'error',
  error: { type, message },
  request_id: requestId,
});

const errorTypes: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};
