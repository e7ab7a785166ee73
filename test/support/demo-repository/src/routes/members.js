import { readJson, sendJson } from '../http.js';

export const memberRoutes = (store) => [
  {
    method: 'GET',
    path: /^\/members$/,
    handle({ response }) {
      sendJson(response, 200, store.members());
    },
  },
  {
    method: 'POST',
    path: /^\/members$/,
    async handle({ request, response }) {
      const member = await readJson(request);
      sendJson(response, 201, store.addMember(member));
    },
  },
];
