import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { Operation, RunFields } from './captured-runs.ts';

type IngestRequest = {
  method: string;
  path: string;
  contentType: string;
  /** Decompressed. */
  body: Buffer;
};

type Ingested = { operation: Operation; id: string; fields: RunFields };

const bodyBytesMax = 64 * 1024 * 1024;

/** Throws for an encoding that the client does not use. */
export const decompress = (encoding: string, bytes: Buffer): Buffer => {
  const limit = { maxOutputLength: bodyBytesMax };
  if (encoding === '') return bytes;
  if (encoding === 'gzip') return gunzipSync(bytes, limit);
  if (encoding === 'zstd') return zstdDecompressSync(bytes, limit);
  if (encoding === 'deflate') return inflateSync(bytes, limit);
  throw new Error(`Unknown content encoding: ${encoding}`);
};

/** Reads the run operations out of a request; undefined when its path is none of the ingest endpoints. */
export const ingest = async (request: IngestRequest): Promise<Ingested[] | undefined> => {
  const endpoint = `${request.method} ${request.path}`;
  if (endpoint === 'POST /runs/multipart') return fromMultipart(request);
  if (endpoint === 'POST /runs/batch') return fromBatch(parse(request.body.toString('utf8')));
  if (endpoint === 'POST /runs') return fromRuns('post', [parse(request.body.toString('utf8'))]);
  const patched = /^PATCH \/runs\/([^/]+)$/.exec(endpoint)?.[1];
  if (patched === undefined) return undefined;
  return fromRuns('patch', [{ ...parse(request.body.toString('utf8')), id: patched }]);
};

/** Parts: `post.<id>` and `patch.<id>` hold the run, `post.<id>.inputs` and so on hold what is big. */
const fromMultipart = async ({ contentType, body }: IngestRequest): Promise<Ingested[]> => {
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': contentType },
  }).formData();
  const ingested: Ingested[] = [];
  for (const [name, value] of form) {
    const [operation, id, field] = name.split('.');
    if ((operation !== 'post' && operation !== 'patch') || id === undefined) continue;
    const content: unknown = JSON.parse(typeof value === 'string' ? value : await value.text());
    ingested.push({
      operation,
      id,
      fields: field === undefined ? (content as RunFields) : { [field]: content },
    });
  }
  return ingested;
};

const fromBatch = ({ post, patch }: RunFields): Ingested[] => [
  ...fromRuns('post', (post ?? []) as RunFields[]),
  ...fromRuns('patch', (patch ?? []) as RunFields[]),
];

const fromRuns = (operation: Operation, runs: RunFields[]): Ingested[] =>
  runs.map((fields) => ({ operation, id: String(fields.id), fields }));

const parse = (text: string): RunFields => JSON.parse(text);
