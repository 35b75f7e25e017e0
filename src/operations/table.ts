import type { z } from 'zod';
import { AGENT_OPERATIONS } from './agent-operations.ts';
import { HOST_OPERATIONS } from './host-operations.ts';
import { JOB_OPERATIONS } from './job-operations.ts';

/**
 * Every operation that a host answers. The control socket reads arguments by this table, and the types of clients and
 * of the host, docs/operations.md, docs/daruma.schema.json and the options of commands come from it. Fields of
 * results are added, never renamed.
 */
export const OPERATIONS = { ...AGENT_OPERATIONS, ...JOB_OPERATIONS, ...HOST_OPERATIONS };

type Table = typeof OPERATIONS;
type Load = () => Promise<z.ZodType>;
type Loaded<L extends Load> = z.output<Awaited<ReturnType<L>>>;

/** The name of an operation. */
export type Op = keyof Table;

/** For each operation: `args` as its client gives them, `read` as the host gets them, with defaults; `item` and `value` as they come back. */
export type Ops = {
  [O in Op]: {
    args: z.input<Table[O]['args']>;
    read: z.output<Table[O]['args']>;
    value: Loaded<Table[O]['result']>;
    item: Table[O] extends { item: infer Item extends Load } ? Loaded<Item> : never;
  };
};
