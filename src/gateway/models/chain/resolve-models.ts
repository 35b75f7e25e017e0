import { parsedObject } from './chat-answer.ts';

/** A model that a provider lists. `context`: tokens; null: its list does not say. */
interface ListedModel {
  name: string;
  context: number | null;
}

/** Models of a rung, resolved. */
interface ResolvedModels {
  /** Those that can be asked, the best first; empty: none. */
  models: readonly string[];
  /** Preferred ones that the provider does not list. */
  gone: readonly string[];
}

/** Names of models that answer no chat. */
const OTHER_WORK = /embed|whisper|tts|guard|safeguard|rerank|moderation|orpheus|transcri/i;

/**
 * The models of a rung in the order in which they are asked. `listed` null: the provider could not be read, so the one that
 * worked last comes first. `takesAny`: without any that is preferred, whatever is listed is asked; for rungs that cost nothing.
 */
export function resolveModels(
  preferences: readonly string[],
  listed: readonly ListedModel[] | null,
  remembered: string | null,
  takesAny: boolean,
): ResolvedModels {
  if (listed === null) {
    const first = remembered !== null && preferences.includes(remembered) ? [remembered] : [];
    return { models: [...new Set([...first, ...preferences])], gone: [] };
  }
  const names = new Set(listed.map(({ name }) => name));
  const nameOf = (wanted: string) =>
    names.has(wanted) ? wanted : names.has(`${wanted}:latest`) ? `${wanted}:latest` : null;
  const models = preferences.map(nameOf).filter((name) => name !== null);
  const gone = preferences.filter((wanted) => nameOf(wanted) === null);
  if (models.length > 0 || !takesAny) return { models: [...new Set(models)], gone };
  const others = listed.map(({ name }) => name).filter((name) => !OTHER_WORK.test(name));
  const first = others.filter((name) => name === remembered);
  return { models: [...new Set([...first, ...others])], gone };
}

/** The models in an answer of `/models` or `/api/tags`; null: it is none. */
export function readListed(text: string): ListedModel[] | null {
  const body = parsedObject(text);
  const list = body?.data ?? body?.models;
  if (!Array.isArray(list)) return null;
  return (list as Record<string, unknown>[]).flatMap((one) => {
    const name = one?.id ?? one?.model ?? one?.name;
    if (typeof name !== 'string' || name === '' || one.active === false) return [];
    const limits = one.limits as Record<string, unknown> | undefined;
    const context = one.context_window ?? one.context_length ?? one.max_model_len ?? limits?.max_context_length;
    return [{ name, context: isTokens(context) ? context : null }];
  });
}

/** The context of a model in an answer of Ollama's `/api/show`; null: it does not say. */
export function readContext(text: string): number | null {
  const info = parsedObject(text)?.model_info as Record<string, unknown> | undefined;
  for (const name in info ?? {}) if (name.endsWith('.context_length') && isTokens(info![name])) return info![name];
  return null;
}

const isTokens = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
