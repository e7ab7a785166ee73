/**
 * «Added validation» and «Adds validation» as «Add validation». Only for verbs that hardly begin a title as anything else,
 * and not where a noun would be followed by what it is of: «Updates for Node 24», «Fixed-width columns».
 */
export const inImperative = (title: string): string => {
  const [, first = '', colon = '', rest = ''] = /^([A-Z][a-z]+)(:?)( [^\s].*)$/u.exec(title) ?? [];
  const verb = imperatives.get(first);
  if (verb === undefined) return title;
  if (colon !== '' && !headings.has(first)) return title;
  if (first.endsWith('s') && nounsFollowers.test(rest)) return title;
  if (first.endsWith('ing') && saysWhatComesOfIt.test(rest)) return title;
  if (ambiguous.has(first) && !objectsBeginning.test(rest)) return title;
  return `${verb}${rest}`;
};

const nounsFollowers = /^ (?:to|for|of|in|from|and|or|on|with|by|are|is)\b|^ [-–—:]/;

/** «Adding a book no longer fails» is a whole sentence. */
const saysWhatComesOfIt =
  / (?:no longer|now|again|works?|fails?|keeps?|is|are|can|cannot|does|must|should|will)\b/;

/** Of a changelog, behind which there is a noun: «Added: a flag». Behind «Fixed:» there may be a whole sentence. */
const headings: ReadonlySet<string> = new Set(['Added', 'Removed']);

/** «Disabled buttons stay grey», «Documents list»: a verb for sure only before an article or the like. */
const ambiguous: ReadonlySet<string> = new Set([
  'Changes',
  'Documents',
  'Disabled',
  'Enabled',
  'Exposed',
  'Extended',
  'Reduced',
  'Resolved',
  'Restored',
]);

const objectsBeginning = /^ (?:the|a|an|all|each|every|its|how|that|what) /;

const verbs = {
  Add: ['Added', 'Adds', 'Adding'],
  Adjust: ['Adjusted', 'Adjusts', 'Adjusting'],
  Allow: ['Allowed', 'Allows', 'Allowing'],
  Avoid: ['Avoided', 'Avoids', 'Avoiding'],
  Bump: ['Bumped', 'Bumps', 'Bumping'],
  Change: ['Changed', 'Changes', 'Changing'],
  Clarify: ['Clarified', 'Clarifies', 'Clarifying'],
  Convert: ['Converted', 'Converts', 'Converting'],
  Correct: ['Corrected', 'Corrects', 'Correcting'],
  Create: ['Created', 'Creates', 'Creating'],
  Delete: ['Deleted', 'Deletes', 'Deleting'],
  Disable: ['Disabled', 'Disables', 'Disabling'],
  Document: ['Documented', 'Documents', 'Documenting'],
  Enable: ['Enabled', 'Enables', 'Enabling'],
  Ensure: ['Ensured', 'Ensures', 'Ensuring'],
  Expose: ['Exposed', 'Exposes', 'Exposing'],
  Extend: ['Extended', 'Extends', 'Extending'],
  Extract: ['Extracted', 'Extracts', 'Extracting'],
  Fix: ['Fixed', 'Fixes', 'Fixing'],
  Handle: ['Handled', 'Handles', 'Handling'],
  Implement: ['Implemented', 'Implements', 'Implementing'],
  Improve: ['Improved', 'Improves', 'Improving'],
  Introduce: ['Introduced', 'Introduces', 'Introducing'],
  Make: ['Made', 'Makes', 'Making'],
  Migrate: ['Migrated', 'Migrates', 'Migrating'],
  Move: ['Moved', 'Moves', 'Moving'],
  Prevent: ['Prevented', 'Prevents', 'Preventing'],
  Reduce: ['Reduced', 'Reduces', 'Reducing'],
  Refactor: ['Refactored', 'Refactors', 'Refactoring'],
  Reject: ['Rejected', 'Rejects', 'Rejecting'],
  Remove: ['Removed', 'Removes', 'Removing'],
  Rename: ['Renamed', 'Renames', 'Renaming'],
  Replace: ['Replaced', 'Replaces', 'Replacing'],
  Resolve: ['Resolved', 'Resolves', 'Resolving'],
  Restore: ['Restored', 'Restores', 'Restoring'],
  Simplify: ['Simplified', 'Simplifies', 'Simplifying'],
  Support: ['Supports'],
  Update: ['Updated', 'Updates', 'Updating'],
  Upgrade: ['Upgraded', 'Upgrades', 'Upgrading'],
  Validate: ['Validated', 'Validates', 'Validating'],
} as const;

const imperatives: ReadonlyMap<string, string> = new Map(
  Object.entries(verbs).flatMap(([verb, forms]) => forms.map((form) => [form, verb] as const)),
);
