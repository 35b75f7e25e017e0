import * as z from 'zod';
import { BOUNDS } from '../../kernel/bounds.ts';
import { given } from '../../kernel/given.ts';
import type { Rung } from '../../kernel/rung.ts';
import { checkedLength, checkedTokens } from '../../kernel/units.ts';
import { countField, cronField, lengthField, tokensField } from './fields.ts';

/** A rung of `models.chain`. */
export interface RungSetting extends Rung {
  /** The name of the secret that holds the provider's key; null: the provider asks for none. */
  key: string | null;
}

/** The price of a million tokens of a model, with the day on which somebody looked. */
export interface PriceSetting {
  model: string;
  /** null: of every rung that has the model. */
  rung: string | null;
  input: number;
  output: number;
  /** `2026-09-16`. */
  asOf: string;
}

/** Limits of a day; a limit that is missing is none. */
export interface ModelBudget {
  calls?: number;
  tokens?: number;
  money?: number;
}

const KINDS = ['openai', 'ollama'] as const;
/** A rung that says nothing for so long is left for the next one; a model of this machine may have to be loaded first. */
const TIMEOUT = { openai: '8s', ollama: '60s' } as const;
const IDLE = '20s';
/** When the drills run where the settings say nothing. */
export const FALLBACK_DRILL = '10 4 * * *';
export const DIAGNOSIS_DRILL = '40 4 * * SUN';
const NAME = 'a name of small letters, digits and -, which is not auto';

const modelField = z.string().min(1).max(200);
const moneyField = z.number({ error: 'expected an amount above 0' }).gt(0).max(1_000_000);

const addressField = z.string({ error: 'expected an address' }).refine(isPlainAddress, {
  error: 'expected an address such as https://api.example/v1, without a user and without ?',
});

const rungField = z.strictObject({
  name: z
    .string({ error: `expected ${NAME}` })
    .regex(/^(?!auto$)[a-z][a-z0-9-]{0,30}$/, { error: `expected ${NAME}` })
    .describe('How it is called; a plugin may ask for it by this name.'),
  url: addressField.describe('The base address of its API.'),
  kind: z.enum(KINDS).optional().describe('The form of its API. Default openai.'),
  key: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected the name of a secret, such as GROQ_API_KEY' })
    .optional()
    .describe('The name of the secret that holds its key. Without the secret the rung is off.'),
  models: z
    .array(modelField)
    .min(1)
    .max(20)
    .describe('Models in order of preference: the first that the provider has.'),
  embeddings: z.array(modelField).max(20).optional().describe('Models for /v1/embeddings, in order of preference.'),
  timeout: lengthField(BOUNDS.timer)
    .optional()
    .describe(`The longest wait for the first token. Default ${TIMEOUT.openai}, for Ollama ${TIMEOUT.ollama}.`),
  idle: lengthField(BOUNDS.timer).optional().describe(`The longest wait between two tokens. Default ${IDLE}.`),
  free: z.boolean().optional().describe('Calls of this rung cost no money. Default false.'),
  context: tokensField(BOUNDS.tokens).optional().describe('Tokens of its context, where the provider does not say.'),
});

/** The schema of `models.chain`. */
export const chainField = z
  .array(rungField)
  .max(10)
  .superRefine((rungs, context) => {
    for (const [index, { name }] of rungs.entries())
      if (rungs.findIndex((other) => other.name === name) !== index)
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of another rung, too' });
  });

/** The schema of `models.prices`. */
export const pricesField = z.array(
  z.strictObject({
    model: modelField,
    rung: z.string().max(31).optional().describe('Default: every rung that has the model.'),
    input: z.number().min(0).max(1_000_000).describe('For a million tokens of the prompt.'),
    output: z.number().min(0).max(1_000_000).describe('For a million tokens of the answer.'),
    asOf: z
      .string()
      .regex(/^\d{4}-\d{2}-\d{2}$/, { error: 'expected the day on which somebody looked, as 2026-09-16' })
      .describe('The day on which somebody looked.'),
  }),
);

/** The schema of `models.budget`. */
export const budgetField = z.strictObject({
  calls: countField(BOUNDS.modelCalls).optional(),
  tokens: tokensField(BOUNDS.tokens).optional(),
  money: moneyField.optional(),
});

/** The schema of `models.diagnose`. */
export const diagnoseField = z.strictObject({
  autonomy: z
    .enum(['suggest', 'act'])
    .optional()
    .describe('suggest: the answer is shown. act: its remedy is carried out, too. Default suggest.'),
  perDay: countField(BOUNDS.diagnoses).optional().describe('Default 5.'),
});

const drillField = z.union([z.literal(false), cronField('expected a cron expression in quotes, or false')]);

/** The schema of `models.drills`. */
export const drillsField = z.strictObject({
  fallback: drillField.optional().describe('When each rung is proven by small real calls.'),
  diagnosis: drillField.optional().describe('When a diagnosis of known faults is scored.'),
});

export function chainSettings(said: z.output<typeof chainField>): RungSetting[] {
  return said.map(({ name, url, kind = 'openai', key = null, models, embeddings = [], free = false, ...rest }) => ({
    name,
    url: url.replace(/\/+$/, ''),
    ...{ kind, key, models, embeddings, free },
    timeoutMs: checkedLength(rest.timeout ?? TIMEOUT[kind], BOUNDS.timer),
    idleMs: checkedLength(rest.idle ?? IDLE, BOUNDS.timer),
    context: rest.context === undefined ? null : checkedTokens(rest.context, BOUNDS.tokens),
  }));
}

export function priceSettings(said: z.output<typeof pricesField>): PriceSetting[] {
  return said.map(({ rung = null, ...price }) => ({ ...price, rung }));
}

export function budgetSettings({ calls, tokens, money }: z.output<typeof budgetField>): ModelBudget {
  return given({ calls, money, tokens: tokens === undefined ? undefined : checkedTokens(tokens, BOUNDS.tokens) });
}

function isPlainAddress(text: string): boolean {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
