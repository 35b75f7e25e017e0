import type { Rung } from '../../../kernel/rung.ts';
import type { ModelFacts, SkippedRung } from '../ports.ts';
import { ApiError } from './api-error.ts';
import type { CoolDowns } from './cool-downs.ts';
import type { ModelLists } from './model-lists.ts';
import type { AbleRung, Candidates } from './walk.ts';

/** The rungs that a call may try, by the model that it asks for. Each throws an {@link ApiError} for an unknown one. */
export interface CallCandidates {
  chat(model: string): Candidates;
  embeddings(model: string): Candidates;
  /** A rung, whether it is paused or not; undefined: it is off, or there is none. */
  alone(rung: string): AbleRung | undefined;
}

interface CandidatesNeeds {
  rungs: readonly Rung[];
  lists: ModelLists;
  coolDowns: CoolDowns;
  /** The reason why a rung is off. */
  offOf(rung: string): string | undefined;
}

export function createCandidates({ rungs, lists, coolDowns, offOf }: CandidatesNeeds): CallCandidates {
  /** The rung with its models, or why none of them may be asked now. */
  function oneOf(rung: Rung, models: readonly ModelFacts[]): AbleRung | SkippedRung {
    const off = offOf(rung.name);
    if (off !== undefined) return { name: rung.name, why: off, retryAt: null };
    const paused = models.map(({ name }) => coolDowns.pauseOf(rung.name, name));
    if (paused.includes(undefined)) return { rung, models };
    const [first] = paused.sort((a, b) => (a?.retryAt ?? 0) - (b?.retryAt ?? 0));
    return first ?? { name: rung.name, why: 'its provider has none of its models', retryAt: null };
  }

  function of(model: string, able: readonly Rung[], modelsOf: (rung: Rung) => readonly ModelFacts[]): Candidates {
    const [name, wanted] = model === 'auto' ? [] : [model.split('/')[0]!, model.slice(model.indexOf('/') + 1)];
    const asked = name === undefined ? able : able.filter((rung) => rung.name === name);
    if (asked.length === 0) throw unknownModel(model, able);
    const found = asked.map((rung) =>
      oneOf(
        rung,
        model === 'auto' || model === name ? modelsOf(rung) : [{ name: wanted!, context: contextOf(rung, wanted!) }],
      ),
    );
    return {
      rungs: found.filter((one): one is AbleRung => 'rung' in one),
      skipped: found.filter((one): one is SkippedRung => !('rung' in one)),
    };
  }

  function contextOf(rung: Rung, model: string): number | null {
    return lists.chat(rung).find(({ name }) => name === model)?.context ?? null;
  }

  return {
    chat: (model) => of(model, rungs, lists.chat),
    embeddings: (model) =>
      of(
        model,
        rungs.filter((rung) => rung.embeddings.length > 0),
        lists.embeddings,
      ),
    alone(name) {
      const rung = rungs.find((one) => one.name === name);
      const models = rung && offOf(name) === undefined ? lists.chat(rung) : [];
      return rung && models.length > 0 ? { rung, models } : undefined;
    },
  };
}

function unknownModel(model: string, rungs: readonly Rung[]): ApiError {
  if (rungs.length === 0)
    return new ApiError(404, 'model_not_found', 'no rung of the chain has models for this', {
      next: 'name them in models.chain of config/daruma.yaml',
    });
  const names = ['auto', ...rungs.map(({ name }) => name)].join(', ');
  return new ApiError(404, 'model_not_found', `no rung is called ${model.slice(0, 100)}; there are ${names}`, {
    next: 'ask for auto, for a rung by its name, or for one of its models as groq/openai/gpt-oss-120b',
  });
}
