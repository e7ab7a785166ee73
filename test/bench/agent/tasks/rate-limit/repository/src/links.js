import { problem } from './problem.js';

export const createLinks = () => {
  const urls = new Map();
  return {
    add({ url } = {}) {
      if (typeof url !== 'string' || url.length > 2_000 || !/^https?:\/\//.test(url)) {
        return problem('bad_url', 'url must be an http(s) URL');
      }
      const code = urls.size.toString(36);
      urls.set(code, url);
      return { status: 201, headers: { location: `/links/${code}` }, body: { code } };
    },
    follow(code) {
      const url = urls.get(code);
      if (!url) return problem('not_found', `There is no link ${code}`);
      return { status: 302, headers: { location: url }, body: null };
    },
  };
};
