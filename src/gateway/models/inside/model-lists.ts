import type { Rung } from '../../../kernel/rung.ts';
import type { Time } from '../../../kernel/time.ts';
import { readContext, readListed, resolveModels } from '../chain/resolve-models.ts';
import type { ModelFacts } from '../ports.ts';
import type { FromGateway } from '../wire.ts';
import type { Upstream } from './upstream.ts';

/** The models of each rung, as its provider lists them. */
export interface ModelLists {
  /** The preferred models of a rung that its provider has, best first; all of them until the list is known. */
  chat(rung: Rung): readonly ModelFacts[];
  embeddings(rung: Rung): readonly ModelFacts[];
  /** Asks the providers anew. Resolves when all of them have answered, or failed to. */
  resolve(): Promise<void>;
}

interface ListsNeeds {
  time: Pick<Time, 'now' | 'monotonic'>;
  upstream: Upstream;
  keyOf(rung: string): string | undefined;
  /** Rungs without their key are not asked. */
  isOff(rung: string): boolean;
  remembered: Readonly<Record<string, string>>;
  resolved(message: Extract<FromGateway, { say: 'resolved' }>): void;
}

const LIST_MS = 10_000;

export function createModelLists(rungs: readonly Rung[], needs: ListsNeeds): ModelLists {
  const listed = new Map<string, readonly ModelFacts[]>();

  /** The text of an answer. Rejects for every status but 200. */
  async function ask(rung: Rung, path: string, body?: unknown): Promise<string> {
    const parts: Buffer[] = [];
    let status = 0;
    const end = await needs.upstream.send(
      {
        method: body === undefined ? 'GET' : 'POST',
        url: `${rung.url}${path}`,
        key: needs.keyOf(rung.name),
        body: body === undefined ? undefined : JSON.stringify(body),
        ...{ timeoutMs: LIST_MS, idleMs: LIST_MS, signal: NEVER },
      },
      {
        head: (is) => {
          status = is;
        },
        bytes(piece) {
          parts.push(piece);
          return 'more';
        },
      },
    );
    if (end.is === 'failed') throw new Error(end.what);
    if (status !== 200) throw new Error(`its list of models: status ${status}`);
    return Buffer.concat(parts).toString();
  }

  async function listOf(rung: Rung): Promise<readonly ModelFacts[]> {
    const found = readListed(await ask(rung, rung.kind === 'ollama' ? '/api/tags' : '/models'));
    if (!found) throw new Error('its list of models cannot be read');
    if (rung.kind === 'openai') return found;
    // Ollama tells the context of a model only when it is asked about that one.
    const wanted = new Set(resolveModels([...rung.models, ...rung.embeddings], found, null, false).models);
    return Promise.all(found.map((one) => (wanted.has(one.name) ? withContext(rung, one) : one)));
  }

  async function withContext(rung: Rung, { name }: ModelFacts): Promise<ModelFacts> {
    const text = await ask(rung, '/api/show', { model: name }).catch(() => '');
    return { name, context: readContext(text) };
  }

  function preferred(rung: Rung, wanted: readonly string[]) {
    const known = listed.get(rung.name) ?? null;
    // A machine's own model costs nothing: any that is there is better than none.
    const takesAny = rung.free && wanted === rung.models;
    const { models, gone } = resolveModels(wanted, known, needs.remembered[rung.name] ?? null, takesAny);
    const facts = models.map((name) => known?.find((one) => one.name === name) ?? { name, context: null });
    return { facts, gone };
  }

  async function resolveOne(rung: Rung) {
    let why: string | null = null;
    try {
      listed.set(rung.name, await listOf(rung));
    } catch (error) {
      why = (error as Error).message;
    }
    const { facts, gone } = preferred(rung, rung.models);
    const model = facts[0]?.name ?? null;
    needs.resolved({ say: 'resolved', rung: rung.name, model, gone: why === null ? gone : [], why });
  }

  return {
    chat: (rung) => preferred(rung, rung.models).facts,
    embeddings: (rung) => preferred(rung, rung.embeddings).facts,
    async resolve() {
      await Promise.all(rungs.filter(({ name }) => !needs.isOff(name)).map(resolveOne));
    },
  };
}

const NEVER = new AbortController().signal;
