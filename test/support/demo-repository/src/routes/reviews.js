import { readJson, sendJson } from '../http.js';

export const reviewRoutes = (store) => [
  {
    method: 'POST',
    path: /^\/books\/(\d+)\/reviews$/,
    async handle({ request, response, id }) {
      const book = store.book(id);
      const review = await readJson(request);
      sendJson(response, 201, store.addReview(book.id, review));
    },
  },
];
