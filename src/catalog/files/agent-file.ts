import * as z from 'zod';
import { BOUNDS } from '../../kernel/bounds.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { LOG_LEVELS } from '../../kernel/log.ts';
import {
  catchUpField,
  classField,
  countField,
  debounceField,
  isolationField,
  lengthField,
  limitField,
  limitsField,
  needsField,
  overlapField,
  timezoneField,
  topicsField,
  webhookField,
  whenFields,
  workersField,
} from './fields.ts';
import { faultOfIssues } from './issues.ts';
import { NAME } from './names.ts';
import { whatIsWrongInside } from './plugin-manifest.ts';
import { type Path, placeInYaml, placesIn, readYaml } from './yaml-place.ts';

/** The schema of agents/<name>.yaml; config/agent.schema.json is the same schema as JSON Schema. */
export const agentFileSchema = z.strictObject({
  plugin: z
    .string({ error: 'expected the name of a file in plugins/, without its ending' })
    .regex(NAME, { error: 'expected the name of a file in plugins/, without its ending' })
    .describe('The plugin that does the work: the name of a file in plugins/, without its ending.'),
  about: z.string().min(1).max(500).optional().describe('One sentence for people. Default: the plugin’s.'),
  enabled: z.boolean().optional().describe('false switches the agent off. Default true.'),
  ...whenFields,
  timezone: timezoneField.optional().describe('IANA name of the schedule’s time zone.'),
  catchUp: catchUpField
    .optional()
    .describe('Slots that were missed while the host was down: none is run, the newest, or all. Default once.'),
  overlap: overlapField
    .optional()
    .describe(
      'What becomes of a slot that is due while the job of an earlier slot is unfinished: skip it, queue its job, or replace the earlier job. Default skip.',
    ),
  maxQueued: countField(BOUNDS.queuedSlots)
    .optional()
    .describe(
      'With overlap: queue, so many jobs of earlier slots may be unfinished; a slot beyond is skipped. Default 100.',
    ),
  jitter: lengthField(BOUNDS.timerOrNone)
    .optional()
    .describe('Each slot’s job starts up to this much later, by chance.'),
  always: z.boolean().optional().describe('false: it does not run always, as its plugin says.'),
  on: topicsField.optional().describe('Topics whose events give it a job.'),
  webhook: z
    .union([z.literal(false), webhookField], { error: 'expected false, or keys with values' })
    .optional()
    .describe('The deliveries that it takes at /hooks/<agent>, in place of what the plugin says; false: none.'),
  debounce: z
    .union([z.literal(false), debounceField.partial()], { error: 'expected false, or keys with values' })
    .optional()
    .describe(
      'How jobs that are asked for again and again become one, in place of what the plugin says; false: they do not.',
    ),
  limit: z
    .union([z.literal(false), limitField], { error: 'expected false, or keys with values' })
    .optional()
    .describe(
      'How many jobs with equal values in their input run at a time or begin within a time, in place of what the plugin says; false: any number.',
    ),
  settings: z
    .record(z.string(), z.unknown(), { error: 'expected keys with values' })
    .optional()
    .describe('What the plugin’s settings say.'),
  limits: limitsField.optional().describe('What a worker may hold and how long it may take.'),
  needs: needsField.optional().describe('Narrows what the plugin needs; never widens it.'),
  workers: workersField
    .optional()
    .describe('Workers that run its jobs side by side: `min` at least, more with the load.'),
  concurrency: countField(BOUNDS.concurrency)
    .optional()
    .describe(
      'How many of its jobs one worker does side by side: at most as many as the plugin says. Default: the plugin’s.',
    ),
  isolation: isolationField.optional().describe('own: a cell of its own. Default shared.'),
  class: classField
    .optional()
    .describe(
      'How much its work matters beside that of others: critical agents come first where room or memory is short, background agents last, but each in its turn. Default normal.',
    ),
  logs: z
    .strictObject({
      level: z.enum(LOG_LEVELS).optional().describe('The lowest level that is written. Default info.'),
    })
    .optional()
    .describe('What it writes to the log; running workers follow at once.'),
});

/** The content of an agent file that passed its schema. */
export type AgentFileData = z.infer<typeof agentFileSchema>;

/** A good agent file. */
export interface AgentFile {
  /** The agent's name. */
  name: string;
  /** Relative to the installation. */
  file: string;
  text: string;
  data: AgentFileData;
}

/** Checks the text of an agent file by itself; resolveAgent checks it against its plugin. */
export function readAgentFile(
  name: string,
  file: string,
  text: string,
  at: { timezone: string; now: number },
): { good: AgentFile } | { fault: PlainFault } {
  const yaml = readYaml(text, file);
  if (yaml.fault) return { fault: { ...yaml.fault, code: 'AGENT_FILE_SYNTAX' } };
  const data = yaml.value ?? {};
  const place = (path: Path, part: 'key' | 'value') => placeInYaml(yaml.document, text, path, part);
  const parsed = agentFileSchema.safeParse(data);
  if (!parsed.success) {
    const schema = z.toJSONSchema(agentFileSchema, { io: 'input', target: 'draft-7' });
    const terms = { code: 'AGENT_FILE_INVALID', data, schema, file, text, place };
    return { fault: faultOfIssues(parsed.error.issues, terms) };
  }
  const good: AgentFile = { name, file, text, data: parsed.data };
  const wrong = whatIsWrongInside(good.data, at);
  return wrong ? { fault: agentFileFault(good, wrong) } : { good };
}

/** A fault at a key of an agent file. */
export function agentFileFault(
  agent: AgentFile,
  wrong: { code: string; path: Path; message: string; next?: string },
): PlainFault {
  const fault = faultOfIssues([{ code: 'custom', message: wrong.message, path: wrong.path }], {
    code: wrong.code,
    data: agent.data,
    schema: {},
    file: agent.file,
    text: agent.text,
    place: placesIn(agent.text),
  });
  return wrong.next ? { ...fault, next: wrong.next } : fault;
}
