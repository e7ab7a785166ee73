/**
 * «Added validation» and «Adds validation» as «Add validation». Only for verbs that hardly begin a title as anything else,
 * and not where a noun would be followed by what it is of: «Updates for Node 24», «Fixed-width columns».
 */
export const inImperative = (title: string): string => {
  const [, first = '', rest = ''] = /^([A-Z][a-z]+)( [^\s].*)$/u.exec(title) ?? [];
  const verb = imperatives.get(first);
  if (verb === undefined || (first.endsWith('s') && nounsFollowers.test(rest))) return title;
  return `${verb}${rest}`;
};

const nounsFollowers = /^ (?:to|for|of|in|from|and|or|on|with|by|are|is)\b|^ [-–—:]/;

const verbs = {
  Add: ['Added', 'Adds', 'Adding'],
  Allow: ['Allowed', 'Allows', 'Allowing'],
  Avoid: ['Avoided', 'Avoids', 'Avoiding'],
  Create: ['Created', 'Creates', 'Creating'],
  Delete: ['Deleted', 'Deletes', 'Deleting'],
  Ensure: ['Ensured', 'Ensures', 'Ensuring'],
  Extract: ['Extracted', 'Extracts', 'Extracting'],
  Fix: ['Fixed', 'Fixes', 'Fixing'],
  Handle: ['Handled', 'Handles', 'Handling'],
  Implement: ['Implemented', 'Implements', 'Implementing'],
  Improve: ['Improved', 'Improves', 'Improving'],
  Introduce: ['Introduced', 'Introduces', 'Introducing'],
  Make: ['Made', 'Makes', 'Making'],
  Move: ['Moved', 'Moves', 'Moving'],
  Prevent: ['Prevented', 'Prevents', 'Preventing'],
  Refactor: ['Refactored', 'Refactors', 'Refactoring'],
  Reject: ['Rejected', 'Rejects', 'Rejecting'],
  Remove: ['Removed', 'Removes', 'Removing'],
  Rename: ['Renamed', 'Renames', 'Renaming'],
  Replace: ['Replaced', 'Replaces', 'Replacing'],
  Simplify: ['Simplified', 'Simplifies', 'Simplifying'],
  Update: ['Updated', 'Updates', 'Updating'],
  Validate: ['Validated', 'Validates', 'Validating'],
} as const;

const imperatives: ReadonlyMap<string, string> = new Map(
  Object.entries(verbs).flatMap(([verb, forms]) => forms.map((form) => [form, verb] as const)),
);
