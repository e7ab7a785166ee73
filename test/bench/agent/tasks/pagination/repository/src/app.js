import { linkHeader } from './links.js';
import { pageOf, paginate } from './paginate.js';

/** Answers a request with `{ status, headers, body }`. */
export const createApp = ({ books, authors }) => {
  const lists = { '/books': books, '/authors': authors };
  return (url) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const list = lists[pathname];
    if (!list) return { status: 404, headers: {}, body: { error: 'Not found' } };
    const wanted = pageOf(searchParams);
    const body = paginate(list, wanted);
    const headers = { link: linkHeader(pathname, { ...wanted, total: body.total }) };
    return { status: 200, headers, body };
  };
};
