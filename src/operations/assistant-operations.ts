import * as z from 'zod';
import { BOUNDS } from '../kernel/bounds.ts';
import { DAY_MS } from '../kernel/measures.ts';
import { countArgument, flag, payload, text } from './arguments.ts';
import { NO_ARGUMENTS, type Operation } from './operation.ts';
import { PLANNED_ACTS } from './planned-acts.ts';

const results = () => import('./results/assistant.ts');

/** Operations for assistants: who may ask over HTTP, and the acts that are shown before they are done. */
export const ASSISTANT_OPERATIONS = {
  plan: {
    kind: 'read',
    role: 'operator',
    about: 'Says what an act would do now, and makes a token with which `apply` does it, once, within five minutes.',
    args: z.strictObject({
      act: z.enum(PLANNED_ACTS, { error: `is no act that can be planned: ${PLANNED_ACTS.join(', ')}` }),
      args: payload().describe('The arguments of that operation, as an object.'),
    }),
    result: async () => (await results()).planResult,
  },
  apply: {
    kind: 'act',
    role: 'operator',
    about: 'Does what was planned; refused when what it is about is not as it was then.',
    args: z.strictObject({
      token: text(100).describe('The `token` of the plan.'),
      confirm: text(1_000).describe('The `confirm` of the plan, word for word.'),
    }),
    result: async () => (await results()).appliedResult,
  },
  assistants: {
    kind: 'read',
    role: 'operator',
    about: 'Assistants that may ask over HTTP, by name; no token.',
    args: NO_ARGUMENTS,
    result: async () => z.array((await results()).assistantResult),
  },
  assistantAllow: {
    kind: 'act',
    role: 'operator',
    about: 'Makes a token with which an assistant may ask over HTTP; a token of the same name is good no more.',
    args: z.strictObject({
      name: assistantName(),
      write: flag().describe('Also acts, each planned before it is applied.'),
      forMs: countArgument(BOUNDS.grant)
        .default(90 * DAY_MS)
        .describe('How long the token is good (default: 90d).'),
    }),
    options: { write: '--write', forMs: '--for <time>' },
    result: async () => (await results()).allowedResult,
  },
  assistantRevoke: {
    kind: 'act',
    role: 'operator',
    about: 'Ends the token of an assistant at once.',
    args: z.strictObject({ name: assistantName() }),
    result: async () => (await results()).revokedResult,
  },
} as const satisfies Record<string, Operation>;

/** The name of an assistant: it stands in commands, events and records of acts. */
function assistantName() {
  const error = 'is no name of small letters, digits and hyphens, 40 at most';
  return z.string({ error }).regex(/^[a-z0-9][a-z0-9-]{0,39}$/, { error });
}
