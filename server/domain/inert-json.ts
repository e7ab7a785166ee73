/**
 * JSON that is only text to whatever shows it, and the same to whatever parses it. JSON.stringify escapes the control
 * characters below U+0020, but terminals obey those from U+007F to U+009F, too, and some characters turn the text around
 * them; both come out of sandboxes, and people read events with curl and logs as they are.
 */
export const inertJson = (json: string): string =>
  json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
