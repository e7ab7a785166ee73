import { z } from 'zod';
import type { Tool } from '../../domain/tool.ts';
import { defineTool } from './define-tool.ts';

/** Changes nothing: it makes the model think ahead, and shows the reader of the stream how far the job is. */
export const createPlanTool = (): Tool =>
  defineTool({
    name: 'plan',
    description:
      'Shows the plan to the people who watch the job. Call it with all steps each time that one of them changes.',
    isReadOnly: true,
    input: z.strictObject({
      steps: z
        .array(
          z.strictObject({
            title: z.string().min(1).max(200).describe('what is done in this step, in a few words'),
            state: z.enum(['pending', 'active', 'done']),
          }),
        )
        .min(1)
        .max(30),
    }),
    run: async ({ steps }, callId) => ({
      content: `The plan is shown: ${steps.filter(({ state }) => state === 'done').length} of ${steps.length} steps are done.`,
      isError: false,
      fact: { type: 'AI Plan', steps, callId },
    }),
  });
