/**
 * What a test makes go wrong with one request:
 * - `status`: this answer instead of the true one; the request is not performed.
 * - `instead: 'drop'`: the connection breaks and the request is not performed.
 * - `afterwards: 'drop'`: the request is performed, and the connection breaks before the client hears of it.
 * - `delayMs`: the true answer, later.
 */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string | object }
  | { instead: 'drop' }
  | { afterwards: 'drop' }
  | { delayMs: number };

type InterceptedRequest = { method: string; path: string; query: string };
export type Interceptor = (request: InterceptedRequest) => Fault | undefined;
