import * as z from 'zod';

/**
 * The kind of an operation, for its client. `read` changes nothing and may be asked again at will; `act` changes something, or
 * makes the host work for minutes; `stream` sends items until its client leaves, and then answers null.
 */
type OperationKind = 'read' | 'act' | 'stream';

/**
 * The role of a client, by the token that it has. A `reader` sees how agents and jobs are doing; an `operator` changes them, and
 * sees what they are made of: sources, settings, state and the places of secrets.
 */
export type OperationRole = 'reader' | 'operator';

/** A row of the table of operations: all that the socket, its clients and the docs know of an operation. */
export interface Operation {
  kind: OperationKind;
  /** Clients of this role may use it, and operators. */
  role: OperationRole;
  /** A sentence for people. */
  about: string;
  /** Strict: an argument that is not named here is refused. Defaults are filled in before the operation sees them. */
  args: z.ZodObject;
  /**
   * Arguments that are options of a command, with their flags: `{ since: '--since <time>' }`. The command line gets them as
   * src/cli/operation-options.ts, with the first sentence about each argument; other arguments are words of a command, or no part of it.
   */
  options?: Readonly<Record<string, string>>;
  /**
   * The answer, as its client gets it out of JSON: strict in tests, while clients accept further fields. Loaded when it is
   * asked for, since a host that works checks no answers and its start must not wait for their schemas.
   */
  result: () => Promise<z.ZodType>;
  /** An item that is sent before the answer, any number of times; left out: the operation has none. */
  item?: () => Promise<z.ZodType>;
}

/** The arguments of an operation that takes none. */
export const NO_ARGUMENTS = z.strictObject({});
