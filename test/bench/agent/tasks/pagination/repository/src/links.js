/** The value of the Link header for a page. */
export const linkHeader = (path, { page, size, total }) => {
  const last = Math.floor(total / size) + 1;
  const links = [['first', 1]];
  if (page > 1) links.push(['prev', page - 1]);
  if (page * size <= total) links.push(['next', page + 1]);
  links.push(['last', last]);
  return links.map(([rel, number]) => `<${path}?page=${number}&size=${size}>; rel="${rel}"`).join(', ');
};
