import { createServer } from 'node:http';
import { createApp } from './app.js';

const books = Array.from({ length: 45 }, (_, index) => ({ id: index + 1, title: `Volume ${index + 1}` }));
const app = createApp({ books, authors: [{ id: 1, name: 'Anonymous' }] });

createServer((request, response) => {
  const { status, headers, body } = app(request.url);
  response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body));
}).listen(8000);
