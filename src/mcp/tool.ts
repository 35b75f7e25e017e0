import type { z } from 'zod';
import type { McpHost, ToolAnswer } from './ports.ts';

/** A tool of the server: a row. The schema of its arguments is made of rows of the table of operations. */
export interface Tool {
  name: string;
  title: string;
  /** When to use it, for a model. */
  about: string;
  args: z.ZodObject;
  /** Undefined: the tool reads. */
  is?: 'plan' | 'apply';
  /** `args` as the schema has read them. */
  answer(args: never, host: McpHost): Promise<ToolAnswer>;
}

/** A tool whose answer has the type of its arguments. */
export function tool<Args extends z.ZodObject>(
  row: Omit<Tool, 'args' | 'answer'> & {
    args: Args;
    answer(args: z.output<Args>, host: McpHost): Promise<ToolAnswer>;
  },
): Tool {
  return row;
}
