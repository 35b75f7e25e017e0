import { z } from 'zod';

/**
 * What an operation is to its client. `read` changes nothing and may be asked again at will; `act` changes something, or
 * makes the host work for minutes; `stream` sends items until its client leaves, and then answers null.
 */
export type OperationKind = 'read' | 'act' | 'stream';

/**
 * Who may use an operation. A `reader` sees how agents and jobs are doing; an `operator` changes them, and sees what they
 * are made of: sources, settings, state and the places of secrets. Whoever can open the control socket is an operator.
 */
export type OperationRole = 'reader' | 'operator';

/** One row of the table of operations: everything that the socket, its clients and the pages of the docs know of it. */
export interface Operation {
  kind: OperationKind;
  role: OperationRole;
  /** One sentence for people. */
  about: string;
  /** Strict: an argument that is not named here is refused. Defaults are filled in before the operation sees them. */
  args: z.ZodObject;
  /**
   * The answer, as its client gets it out of JSON: strict in tests, while clients accept further fields. Loaded when it is
   * asked for, since a host that works checks no answers and its start must not wait for their schemas.
   */
  result: () => Promise<z.ZodType>;
  /** What is sent before the answer, any number of times; left out: nothing is. */
  item?: () => Promise<z.ZodType>;
}

/** The arguments of an operation that takes none. */
export const NO_ARGUMENTS = z.strictObject({});
