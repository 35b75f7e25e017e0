import type { Time } from '../kernel/time.ts';
import type { AdvisableAction } from './diagnosis.ts';
import type { OpenIncidents } from './open-incidents.ts';
import type { Remedies } from './remedies.ts';

/** Remarks of a model on incidents that go on. */
export interface Advice {
  /** Adds a remark to the timeline of an incident that goes on here; of any other incident it changes nothing. */
  remark(id: string, text: string): void;
  /** Carries out an action that a model advised for an incident. Resolves with the reason why it was not; null: it was. */
  advise(id: string, action: AdvisableAction, model: string): Promise<string | null>;
}

interface AdviceNeeds {
  time: Pick<Time, 'now'>;
  openIncidents: Pick<OpenIncidents, 'all' | 'next' | 'apply'>;
  remedies: Pick<Remedies, 'advise'>;
}

export function createAdvice({ time, openIncidents, remedies }: AdviceNeeds): Advice {
  const withId = (id: string) => openIncidents.all().find(({ incident }) => incident.id === id);
  return {
    remark(id, text) {
      const one = withId(id);
      if (one) openIncidents.next(one, () => openIncidents.apply(one, { is: 'remarked', at: time.now(), text }));
    },
    advise(id, action, model) {
      const one = withId(id);
      if (one?.held !== 'here') return Promise.resolve(`${id} has ended, or another host holds it`);
      const { promise, resolve, reject } = Promise.withResolvers<string | null>();
      openIncidents.next(one, () => remedies.advise(one, action, model).then(resolve, reject));
      return promise;
    },
  };
}
