import type { Rung } from '../../../kernel/rung.ts';

/** The provider behind a rung, as far as its requests differ. */
type RungProvider = 'groq' | 'cerebras' | 'ollama' | 'other';

/** The parameters that a provider takes. Every other parameter is stripped. */
export interface ProviderFacts {
  /** Parameters of OpenAI's form beyond the plain ones of {@link PLAIN_PARAMETERS}. */
  parameters: readonly string[];
  /** The name of the bound on the tokens of an answer. */
  limitName: 'max_tokens' | 'max_completion_tokens';
  /** The model cannot stream an answer by a schema, nor an answer with tools. */
  streamsSchemas: boolean;
  streamsTools: boolean;
  /** A request may ask for JSON and have tools. */
  jsonBesideTools: boolean;
  /** `tool_choice` is `auto` or `none`, and functions are strict. */
  plainToolChoice: boolean;
}

/** The parameters that a family of models takes. */
export interface FamilyFacts {
  /** The value of `reasoning_effort` for an effort that a caller names; null: the family takes none. */
  efforts: Readonly<Record<string, string>> | null;
  /** The effort of a request that names none: unset, some models think until no token is left for an answer. */
  plainEffort: string | null;
  /** `response_format` of the type `json_schema`. */
  jsonSchema: boolean;
  /** Functions need `strict`, where its provider says so. */
  strictTools: boolean;
}

/** Parameters that every server of OpenAI's form takes. */
export const PLAIN_PARAMETERS: readonly string[] = ['temperature', 'top_p', 'stop', 'tools', 'tool_choice'];

/** As of 2026-11. A provider that is not in here gets the plain common subset. */
const PROVIDERS: Readonly<Record<Exclude<RungProvider, 'ollama'>, ProviderFacts>> = {
  groq: {
    parameters: [
      ...['frequency_penalty', 'presence_penalty', 'parallel_tool_calls', 'seed', 'user', 'service_tier'],
      ...['reasoning_effort', 'reasoning_format', 'include_reasoning'],
    ],
    limitName: 'max_completion_tokens',
    streamsSchemas: false,
    streamsTools: true,
    jsonBesideTools: false,
    plainToolChoice: false,
  },
  cerebras: {
    parameters: ['seed', 'user', 'logprobs', 'top_logprobs', 'reasoning_effort'],
    limitName: 'max_completion_tokens',
    streamsSchemas: false,
    streamsTools: false,
    jsonBesideTools: true,
    plainToolChoice: true,
  },
  other: {
    parameters: ['reasoning_effort'],
    limitName: 'max_tokens',
    streamsSchemas: true,
    streamsTools: true,
    jsonBesideTools: true,
    plainToolChoice: false,
  },
};

const LOW_TO_HIGH = { none: 'low', minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'high' };
const ON_OR_OFF = { none: 'none', minimal: 'none', low: 'none', medium: 'default', high: 'default', xhigh: 'default' };

/** As of 2026-11. The first family whose name is in the name of a model counts. */
const FAMILIES: readonly (readonly [RegExp, FamilyFacts])[] = [
  [/\bgpt-oss\b/i, { efforts: LOW_TO_HIGH, plainEffort: 'low', jsonSchema: true, strictTools: true }],
  [/\bqwen/i, { efforts: ON_OR_OFF, plainEffort: null, jsonSchema: false, strictTools: false }],
];
const UNKNOWN: FamilyFacts = { efforts: null, plainEffort: null, jsonSchema: false, strictTools: true };

/** The provider of a rung, by its host, or by its name where the host is another (a proxy in between). */
export function providerOf({ kind, url, name }: Pick<Rung, 'kind' | 'url' | 'name'>): RungProvider {
  if (kind === 'ollama') return 'ollama';
  const host = URL.parse(url)?.hostname ?? '';
  for (const [provider, domain] of [
    ['groq', 'groq.com'],
    ['cerebras', 'cerebras.ai'],
  ] as const)
    if (host === domain || host.endsWith(`.${domain}`) || name === provider) return provider;
  return 'other';
}

export function providerFacts(provider: Exclude<RungProvider, 'ollama'>): ProviderFacts {
  return PROVIDERS[provider];
}

/** The facts of a model's family; of an unknown one the plain common subset. */
export function familyFacts(model: string): FamilyFacts {
  return FAMILIES.find(([family]) => family.test(model))?.[1] ?? UNKNOWN;
}
