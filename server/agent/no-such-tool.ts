import type { Tool } from '../domain/tool.ts';
import { commandOf } from './command-of.ts';

/** What the model is told of a name that none of its tools has: other agents' tools have others for the same. */
export const noSuchTool = (name: string, input: unknown, tools: readonly Tool[]): string => {
  const names = tools.map(({ definition }) => definition.name);
  const meant = meantBy(name, input);
  const advice = meant !== undefined && names.includes(meant) ? ` Use ${meant} for that.` : '';
  return `There is no tool «${name}».${advice} The tools are: ${names.join(', ')}.`;
};

const meantBy = (name: string, input: unknown): string | undefined => {
  const plain = plainOf(name);
  // One tool for all that is done with files, which says by a field what it does.
  return /^strreplace(?:based)?edit/.test(plain)
    ? (ours.get(plainOf(commandOf(input) ?? '')) ?? 'edit')
    : ours.get(plain);
};

const plainOf = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]/g, '');

const others: Record<string, readonly string[]> = {
  plan: ['todowrite', 'todo', 'updateplan', 'tasklist', 'think'],
  list: ['glob', 'ls', 'listfiles', 'listdir', 'listdirectory', 'find', 'findfiles', 'tree', 'filesearch'],
  search: ['grep', 'rg', 'ripgrep', 'grepsearch', 'codesearch', 'searchfiles', 'searchfilecontent'],
  read: ['view', 'cat', 'open', 'openfile', 'readfile', 'viewfile', 'readmanyfiles'],
  edit: ['strreplace', 'replace', 'insert', 'multiedit', 'editfile', 'applypatch', 'patch', 'undoedit'],
  write: ['create', 'createfile', 'writefile', 'writetofile'],
  bash: ['shell', 'sh', 'exec', 'execute', 'terminal', 'runcommand', 'runshellcommand', 'executebash', 'run'],
};

const ours: ReadonlyMap<string, string> = new Map(
  Object.entries(others).flatMap(([tool, names]) => [tool, ...names].map((name) => [name, tool])),
);
