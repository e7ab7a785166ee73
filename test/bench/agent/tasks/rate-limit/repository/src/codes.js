/** Every code that an error answer may carry, with its status. */
export const codes = {
  not_found: 404,
  bad_url: 400,
};
