/** Everything the club knows. It lives in memory: a restart is a fresh start. */
export function createStore() {
  const books = new Map();
  const members = new Map();
  const reviews = [];

  return {
    books: () => [...books.values()],
    book: (id) => books.get(id),
    addBook(book) {
      const added = { id: books.size + 1, ...book };
      books.set(added.id, added);
      return added;
    },

    members: () => [...members.values()],
    member: (id) => members.get(id),
    addMember({ name, email }) {
      const added = { id: members.size + 1, name, email: email.toLowerCase() };
      members.set(added.id, added);
      return added;
    },

    reviewsOf: (bookId) => reviews.filter((review) => review.bookId === bookId),
    addReview(bookId, review) {
      const added = { id: reviews.length + 1, bookId, ...review };
      reviews.push(added);
      return added;
    },
  };
}
