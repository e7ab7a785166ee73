import { readJson, sendJson } from '../http.js';

export const bookRoutes = (store) => [
  {
    method: 'GET',
    path: /^\/books$/,
    handle({ response }) {
      const books = store.books().map((book) => ({ ...book, averageRating: averageRating(store, book) }));
      sendJson(response, 200, books);
    },
  },
  {
    method: 'GET',
    path: /^\/books\/(\d+)$/,
    handle({ response, id }) {
      const book = store.book(id);
      if (!book) {
        sendJson(response, 404, { error: `No book with id ${id}` });
        return;
      }
      const reviews = store.reviewsOf(id);
      sendJson(response, 200, { ...book, averageRating: averageRating(store, book), reviews });
    },
  },
  {
    method: 'POST',
    path: /^\/books$/,
    async handle({ request, response }) {
      const book = await readJson(request);
      sendJson(response, 201, store.addBook(book));
    },
  },
];

/** One decimal; null for a book that nobody has reviewed yet. */
function averageRating(store, book) {
  const ratings = store.reviewsOf(book.id).map((review) => review.rating);
  if (ratings.length === 0) return null;
  const sum = ratings.reduce((total, rating) => total + rating, 0);
  return Math.round((sum / ratings.length) * 10) / 10;
}
