const requestsMax = 5;
const windowMs = 60_000;
const clientsMax = 10_000;

/** Says of each request how many seconds its client has to wait; 0 when it may go on. */
export const createRateLimit = (clock) => {
  // A map keeps the order in which keys were set: the first is the one that was used least recently.
  const timesByClient = new Map();
  return (client) => {
    const now = clock();
    const times = (timesByClient.get(client) ?? []).filter((time) => time > now - windowMs);
    const isRefused = times.length >= requestsMax;
    if (!isRefused) times.push(now);
    timesByClient.delete(client);
    timesByClient.set(client, times);
    if (timesByClient.size > clientsMax) timesByClient.delete(timesByClient.keys().next().value);
    return isRefused ? Math.ceil((times[0] + windowMs - now) / 1_000) : 0;
  };
};
