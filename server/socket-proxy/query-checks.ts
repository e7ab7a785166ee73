import { z } from 'zod';
import { jobLabel, serverLabel } from './container-check.ts';
import { Refusal, shorten } from './refusal.ts';

/** Takes the query as it came and gives back the one to forward; throws Refusal. */
export type QueryCheck = (query: string) => string;

export const noQuery: QueryCheck = (query) => forward(parse(query, {}));

/** Parameters of these names may be there; none is forwarded. */
export const ignored =
  (names: readonly string[]): QueryCheck =>
  (query) => {
    parse(query, Object.fromEntries(names.map((name) => [name, /^/])));
    return '';
  };

const flag = /^(true|false|1|0)$/;

export const removeQuery: QueryCheck = (query) => forward(parse(query, { force: flag, v: flag }));

/** Whatever the server asks for, it gets to see containers with its label only: Docker wants all labels to match. */
export const listQuery: QueryCheck = (query) => {
  const { filters, ...rest } = parse(query, { all: flag, filters: /^\{.{0,2000}\}$/ });
  const { label = [] } = filters === undefined ? {} : parseFilters(filters);
  return forward({ ...rest, filters: JSON.stringify({ label: [serverLabel, ...label] }) });
};

const ourLabel = [serverLabel, jobLabel].map(RegExp.escape).join('|');
const filtersSchema = z.strictObject({
  label: z
    .array(z.string().regex(new RegExp(`^(${ourLabel})(=[\\w.-]{1,128})?$`)))
    .max(4)
    .optional(),
});

const parseFilters = (text: string): z.infer<typeof filtersSchema> => {
  try {
    return filtersSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Refusal(
      403,
      `Containers are listed by the server’s labels only, not by ${shorten(text)}.`,
      cause,
    );
  }
};

const parse = (query: string, known: Record<string, RegExp>): Record<string, string> => {
  const given = [...new URLSearchParams(query)];
  for (const [name, value] of given) {
    if (!Object.hasOwn(known, name) || !known[name]?.test(value)) {
      throw new Refusal(403, `The server has no need of the parameter ${shorten(`${name}=${value}`)}.`);
    }
  }
  const names = new Set(given.map(([name]) => name));
  if (names.size !== given.length) throw new Refusal(403, 'A parameter is given twice.');
  return Object.fromEntries(given);
};

const forward = (parameters: Record<string, string>): string => new URLSearchParams(parameters).toString();
