import type { RehearsedEffect } from '../../control/protocol.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { EffectRecord, StateStore } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import type { SentJob } from '../../plugin/context.ts';
import type { Admission, WorkerCall } from '../../workers/ports.ts';
import type { AskedFetch, FetchAnswer } from '../../workers/rehearsal.ts';
import type { FleetView } from '../fleet.ts';

/** Answers what a rehearsed attempt asks for, and keeps an account of it. Nothing is written, sent, started or done. */
export interface Capture {
  answer(call: WorkerCall): Promise<unknown>;
  /** In order, the first {@link MOST_KEPT}. */
  effects(): RehearsedEffect[];
  refused(): number;
  /** Something was refused that was not asked for here. */
  refuse(effect: Omit<RehearsedEffect, 'is'>): void;
}

export interface CaptureNeeds {
  store: Pick<StateStore, 'getState' | 'stateKeys'>;
  /** Of the job that is rehearsed. */
  recorded: readonly EffectRecord[];
  agents(): ReadonlyMap<string, Agent>;
  fleet: FleetView;
  /** Does a GET or HEAD for real; undefined: nothing goes out. */
  read: ((asked: AskedFetch) => Promise<FetchAnswer>) | undefined;
  /** Blots out secrets. */
  scrub(text: string): string;
}

export const MOST_KEPT = 100;
/** What one attempt may set is kept in the host: it ends somewhere. */
const MOST_STATE_BYTES = 16 * MB;
const READS = new Set(['GET', 'HEAD']);
export const LIVE = '--live lets requests go out that only read';

export function createCapture(needs: CaptureNeeds): Capture {
  const { store, scrub } = needs;
  const recorded = new Map(needs.recorded.map((effect) => [effect.key, effect]));
  const effects: RehearsedEffect[] = [];
  /** What was set; null: it was deleted. */
  const state = new Map<string, string | null>();
  let stateBytes = 0;
  let refusals = 0;
  let sent = 0;

  function note(kind: string, what: string, is: RehearsedEffect['is'], json: string | null = null) {
    if (is === 'refused') refusals += 1;
    if (effects.length >= MOST_KEPT) return;
    const data = json === null ? {} : { data: JSON.parse(scrub(json)) as unknown };
    effects.push({ kind, what: scrub(what), is, ...data });
  }

  function refuse(kind: string, what: string, next: string, json: string | null = null): never {
    note(kind, what, 'refused', json);
    throw new Fault({ code: 'REHEARSAL_REFUSED', message: `${scrub(what)} is not done in a rehearsal`, next });
  }

  /** An effect is what it was; one that was not recorded would have to be done. */
  function once(key: string) {
    const known = recorded.get(key);
    if (known?.isDone) {
      note('once', key, 'answered', known.result);
      if (known.problem !== undefined) return { is: 'not-kept', problem: known.problem };
      return { is: 'done', result: known.result };
    }
    note('once', key, 'refused');
    const why = known ? 'was begun, but its end is not recorded' : 'is not in the record of this job';
    const message = `the effect "${key}" ${why}, and a rehearsal does none`;
    throw new Fault({
      code: 'REHEARSAL_NO_RECORD',
      message,
      next: 'see what it does in a test of your own: daruma test',
    });
  }

  function set(key: string, value: string | null) {
    stateBytes += key.length + (value?.length ?? 0);
    if (stateBytes > MOST_STATE_BYTES) return refuse('state.set', key, 'set less of it');
    note(value === null ? 'state.delete' : 'state.set', key, 'captured', value);
    state.set(key, value);
    return null;
  }

  async function keys(agent: string) {
    const all = new Set(await store.stateKeys(agent));
    for (const [key, value] of state) value === null ? all.delete(key) : all.add(key);
    return [...all].sort();
  }

  async function fetched(asked: AskedFetch): Promise<FetchAnswer> {
    const what = `${asked.method} ${asked.url}`;
    if (!READS.has(asked.method)) return refuse('fetch', what, 'nothing: it would change something', bodyOf(asked));
    if (!needs.read) return refuse('fetch', what, LIVE);
    const answer = await needs.read(asked);
    note('fetch', `${what} ${answer.status}`, 'answered');
    return answer;
  }

  async function answer(call: WorkerCall): Promise<unknown> {
    switch (call.ask) {
      case 'beginEffect':
        return once(call.key);
      case 'endEffect':
      case 'dropEffect':
      case 'stopExec':
      case 'held':
        return null;
      case 'getState':
        return state.has(call.key) ? (state.get(call.key) ?? undefined) : store.getState(call.agent, call.key);
      case 'setState':
        return set(call.key, call.value);
      case 'deleteState':
        return set(call.key, null);
      case 'stateKeys':
        return keys(call.agent);
      case 'send':
        if (!needs.agents().has(call.to)) {
          const message = `${call.agent} sends to ${call.to}, which is no agent here`;
          throw new Fault({ code: 'AGENT_UNKNOWN', message, next: 'daruma agents' });
        }
        note('send', call.to, 'captured', call.input);
        return { id: `rehearsed-${++sent}`, isNew: true, state: 'queued', sameInput: true } satisfies SentJob;
      case 'emit':
        note('emit', call.topic, 'captured', call.data);
        return [...needs.agents().values()].filter(({ on }) => on.includes(call.topic)).length;
      case 'exec':
        return refuse('exec', [call.command, ...call.args].join(' '), 'nothing: nobody knows what a command changes');
      case 'admit': {
        const timeoutMs = call.timeoutMs ?? 30_000;
        return {
          is: 'go',
          origin: call.origin,
          pass: 0,
          credentials: true,
          attempts: 1,
          timeoutMs,
          patienceMs: 30_000,
        } satisfies Admission;
      }
      case 'fetched':
        return null;
      case 'fetch':
        return fetched(call.request);
      case 'fleetReport':
        return needs.fleet.report(call.from, call.to);
      case 'fleetHealth':
        return needs.fleet.health();
      case 'storeFile':
        return needs.fleet.storeFile();
      case 'fleetParts':
        return needs.fleet.parts();
    }
  }

  return {
    answer,
    effects: () => effects,
    refused: () => refusals,
    refuse: ({ kind, what }) => note(kind, what, 'refused'),
  };
}

/** As JSON: a body that is JSON itself stays readable. */
function bodyOf({ body }: AskedFetch): string | null {
  if (body === null) return null;
  const text = Buffer.from(body, 'base64').toString().slice(0, 2_000);
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return JSON.stringify(text);
  }
}
