/** Cuts one page out of a list. Pages are counted from 1. */
export const paginate = (list, { page = 1, size = 20 } = {}) => {
  const start = (page - 1) * size;
  return {
    items: list.slice(start, start + size),
    page,
    pages: Math.floor(list.length / size) + 1,
    total: list.length,
  };
};

/** What the query says, held to what is allowed. */
export const pageOf = (query) => ({
  page: clamp(query.get('page'), 1, Number.MAX_SAFE_INTEGER, 1),
  size: clamp(query.get('size'), 1, 100, 20),
});

const clamp = (text, min, max, otherwise) => {
  const number = Number.parseInt(text ?? '', 10);
  return Number.isNaN(number) ? otherwise : Math.min(max, Math.max(min, number));
};
