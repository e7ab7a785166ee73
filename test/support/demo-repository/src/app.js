import { createServer } from 'node:http';
import { sendJson } from './http.js';
import { bookRoutes } from './routes/books.js';
import { memberRoutes } from './routes/members.js';
import { reviewRoutes } from './routes/reviews.js';
import { createStore } from './store.js';

export function createApp(store = createStore()) {
  const routes = [...bookRoutes(store), ...memberRoutes(store), ...reviewRoutes(store)];

  return createServer(async (request, response) => {
    try {
      const { pathname } = new URL(request.url, 'http://localhost');
      const route = routes.find(({ method, path }) => method === request.method && path.test(pathname));
      if (!route) {
        sendJson(response, 404, { error: `Nothing at ${request.method} ${pathname}` });
        return;
      }
      const [, id] = route.path.exec(pathname);
      await route.handle({ request, response, id: Number(id) });
    } catch (error) {
      console.error(error);
      sendJson(response, 500, { error: 'Something went wrong' });
    }
  });
}
