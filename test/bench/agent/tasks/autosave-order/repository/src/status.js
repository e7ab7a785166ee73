export const createStatus = () => {
  const byId = new Map();
  return {
    get: (id) => byId.get(id) ?? 'saved',
    set: (id, state) => void byId.set(id, state),
  };
};
