/** Milliseconds since 1970. */
export const systemClock = () => Date.now();
