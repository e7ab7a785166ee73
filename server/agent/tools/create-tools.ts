import type { Sandbox } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import type { AgentLimits } from '../limits.ts';
import { createBashTool } from './bash-tool.ts';
import { createEditTool } from './edit-tool.ts';
import { createListTool } from './list-tool.ts';
import { createPlanTool } from './plan-tool.ts';
import { createReadTool } from './read-tool.ts';
import { createSearchTool } from './search-tool.ts';
import { createWriteTool } from './write-tool.ts';

/** What the agent may do in a sandbox; the rest of it is the server's. */
export type AgentSandbox = Pick<Sandbox, 'exec' | 'read' | 'write' | 'edit' | 'list' | 'search'>;

/** All that the model may call. A new tool is one file beside this one and one line here. */
export const createTools = (sandbox: AgentSandbox, limits: AgentLimits): readonly Tool[] => [
  createPlanTool(),
  createListTool(sandbox, limits),
  createSearchTool(sandbox, limits),
  createReadTool(sandbox, limits),
  createEditTool(sandbox),
  createWriteTool(sandbox),
  createBashTool(sandbox, limits),
];
