import { pagesOf } from './paginate.js';

/** The value of the Link header for a page. */
export const linkHeader = (path, { page, size, total }) => {
  const last = pagesOf(total, size);
  const links = [['first', 1]];
  if (page > 1) links.push(['prev', page - 1]);
  if (page < last) links.push(['next', page + 1]);
  links.push(['last', last]);
  return links.map(([rel, number]) => `<${path}?page=${number}&size=${size}>; rel="${rel}"`).join(', ');
};
