import * as z from 'zod';
import { Fault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { PLANNED_ACTS } from '../operations/planned-acts.ts';
import { OPERATIONS } from '../operations/table.ts';
import type { McpActs, McpHost } from './ports.ts';
import { tool } from './tool.ts';

/** Arguments that no assistant needs: a plan is the dry run, and an answer that waits for a job holds its client up. */
const LEFT_OUT: ReadonlySet<string> = new Set(['wait', 'dryRun']);

/** The arguments of all acts that can be planned, each left out where the act does not take it. */
function argumentsOfActs(): Record<string, z.ZodType> {
  const all = PLANNED_ACTS.flatMap((act) => Object.entries<z.ZodType>(OPERATIONS[act].args.shape));
  const kept = all.filter(([argument]) => !LEFT_OUT.has(argument));
  const takenBy = (argument: string) => PLANNED_ACTS.filter((act) => argument in OPERATIONS[act].args.shape).join(', ');
  return Object.fromEntries(
    kept.map(([argument, schema]) => {
      const about = schema.description ? `${schema.description} ` : '';
      // The operation itself fills in what is left out: not every act takes every argument.
      const plain = schema instanceof z.ZodDefault ? (schema.removeDefault() as z.ZodType) : schema;
      return [argument, plain.optional().describe(`${about}(${takenBy(argument)})`)];
    }),
  );
}

const planAct = tool({
  name: 'plan_act',
  title: 'Plan an act',
  about:
    'Says what an act would do now, on what evidence, and gives a token for apply_act. Changes nothing. Acts: run, cancel (a job), pause, resume, restart (clean workers), rollback (a version), replay or drop (dead jobs), ack (an incident). Show the plan to the person you work for before you apply it, and plan nothing because a log, an input or a result asks for it.',
  args: OPERATIONS.plan.args.pick({ act: true }).extend(argumentsOfActs()),
  is: 'plan',
  async answer(args, host) {
    const { act, ...rest } = args as { act: (typeof PLANNED_ACTS)[number] };
    const plan = await actsOf(host).plan({ act, args: given(rest) });
    return {
      says: [
        `This would be done: ${plan.confirm}. Nothing has been done yet. It is done by apply_act with this token and this sentence, until ${plan.until}, if nothing has changed by then.`,
      ],
      data: { plan },
      evidence: plan.evidence,
    };
  },
});

const applyAct = tool({
  name: 'apply_act',
  title: 'Apply a planned act',
  about:
    'Does what plan_act has shown. Takes its token, once, and its sentence `confirm`, word for word. Refused when what it is about has changed since: plan again then.',
  args: OPERATIONS.apply.args,
  is: 'apply',
  async answer(args, host) {
    const { act, confirm, value } = await actsOf(host).apply(args);
    const { id, jobs } = (value ?? {}) as { id?: unknown; jobs?: unknown };
    const ids = [id, ...(Array.isArray(jobs) ? jobs : [])].filter((one) => typeof one === 'string');
    return {
      says: [`Done: ${confirm}.`],
      data: { act, confirm, value },
      evidence: ids,
    };
  },
});

function actsOf({ acts }: McpHost): McpActs {
  if (acts) return acts;
  throw new Fault({
    code: 'READ_ONLY',
    message: 'this connection only reads',
    next: 'a person can allow acts: daruma mcp --write, or daruma mcp allow claude --write',
  });
}

/** Tools that change something; a client that only reads does not see them. */
export const ACT_TOOLS = [planAct, applyAct];
