import type { ServerHttp2Stream } from 'node:http2';

/** The first line of a request, without its end, or all of it. What comes behind it stays in the stream. */
export const readRequest = (stream: ServerHttp2Stream): Promise<string> => {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const settle = () => resolve(Buffer.concat(pieces).toString('utf8'));
    const take = (piece: Buffer) => {
      const end = piece.indexOf(10);
      pieces.push(end < 0 ? piece : piece.subarray(0, end));
      if (end < 0) return;
      stream.pause().off('data', take);
      if (end + 1 < piece.length) stream.unshift(piece.subarray(end + 1));
      settle();
    };
    stream.on('data', take).once('end', settle);
    stream.once('close', () => reject(new Error('The request broke off.')));
  });
};
