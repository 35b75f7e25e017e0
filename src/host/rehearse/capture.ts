import type { RehearsedEffect } from '../../control/protocol.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { EffectRecord, StateStore } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import type { Scrubber } from '../../kernel/scrub.ts';
import {
  type ActingCall,
  type CallTo,
  createAnswers,
  type FleetCall,
  type KnownEffect,
} from '../../sandbox/answers.ts';
import { askedModel } from '../../sandbox/models.ts';
import type { WorkerCall } from '../../workers/ports.ts';
import type { AskedFetch, FetchAnswer } from '../../workers/rehearsal.ts';
import type { FleetView } from '../fleet.ts';

/** Answers the calls of a rehearsed attempt, and keeps an account of them. A rehearsal writes, sends and starts nothing. */
export interface Capture {
  answer(call: WorkerCall): Promise<unknown>;
  /** In order, the first {@link MOST_KEPT}. */
  effects(): RehearsedEffect[];
  refused(): number;
  /** Counts a refusal that the worker's own fences made. */
  refuse(effect: Omit<RehearsedEffect, 'is'>): void;
}

export interface CaptureNeeds {
  store: Pick<StateStore, 'getState' | 'stateKeys'>;
  /** The name of the agent, outside of the sandbox. */
  agent: string;
  /** Of the job that is rehearsed. */
  recorded: readonly EffectRecord[];
  agents(): ReadonlyMap<string, Agent>;
  fleet: FleetView;
  /** Does a GET or HEAD for real; undefined: nothing goes out. */
  read: ((asked: AskedFetch) => Promise<FetchAnswer>) | undefined;
  /** Asks for a dry run: effects of `once` are done, each act of theirs is answered here, and bodies are shown whole. */
  dryRun?: true;
  /** Blots out secrets. */
  scrub: Pick<Scrubber, 'text' | 'json'>;
}

export const MOST_KEPT = 100;
/** The most state that an attempt may set: the host keeps it in memory. */
const MOST_STATE_BYTES = 16 * MB;
/** Characters of a body that are shown; a dry run shows exactly what would be sent. */
const BODY_CHARS = { rehearsal: 2_000, dryRun: 256 * 1024 };
const READS = new Set(['GET', 'HEAD']);
const LIVE = '--live lets requests go out that only read';

export function createCapture(needs: CaptureNeeds): Capture {
  const { store, scrub } = needs;
  const known = new Map(needs.recorded.map((effect) => [effect.key, knownEffect(effect)]));
  const effects: RehearsedEffect[] = [];
  const [run, chars] = needs.dryRun ? ['a dry run', BODY_CHARS.dryRun] : ['a rehearsal', BODY_CHARS.rehearsal];
  let stateBytes = 0;
  let refusals = 0;

  function note(kind: string, what: string, is: RehearsedEffect['is'], json: string | null = null) {
    if (is === 'refused') refusals += 1;
    if (effects.length >= MOST_KEPT) return;
    const data = json === null ? {} : { data: JSON.parse(scrub.json(json)) as unknown };
    effects.push({ kind, what: scrub.text(what), is, ...data });
  }

  function refuse(kind: string, what: string, next: string, json: string | null = null): never {
    note(kind, what, 'refused', json);
    throw new Fault({ code: 'REHEARSAL_REFUSED', message: `${scrub.text(what)} is not done in ${run}`, next });
  }

  /** An effect is answered by its record; an effect without a record would have to be done. */
  function once(key: string): void {
    const effect = known.get(key);
    if (effect && effect.is !== 'begun') {
      note('once', key, 'answered', effect.is === 'done' ? effect.result : null);
      return;
    }
    // Calls of the effect are answered here as well, and not done.
    if (needs.dryRun) {
      note('once', key, 'captured');
      return;
    }
    note('once', key, 'refused');
    const why = effect ? 'was begun, but its end is not recorded' : 'is not in the record of this job';
    throw new Fault({
      code: 'REHEARSAL_NO_RECORD',
      message: `the effect "${key}" ${why}, and a rehearsal does none`,
      next: 'see what it does in a test of your own: daruma test',
    });
  }

  function set(key: string, value: string | null): void {
    stateBytes += key.length + (value?.length ?? 0);
    if (stateBytes > MOST_STATE_BYTES) refuse('state.set', key, 'set less of it');
    note(value === null ? 'state.delete' : 'state.set', key, 'captured', value);
  }

  function send({ to, input }: CallTo<'send'>): void {
    if (!needs.agents().has(to)) {
      const message = `${needs.agent} sends to ${to}, which is no agent here`;
      throw new Fault({ code: 'AGENT_UNKNOWN', message, next: 'daruma agents' });
    }
    note('send', to, 'captured', input);
  }

  function before(call: ActingCall): void {
    if (call.ask === 'beginEffect') once(call.key);
    else if (call.ask === 'setState') set(call.key, call.value);
    else if (call.ask === 'deleteState') set(call.key, null);
    else if (call.ask === 'send') send(call);
    else note('emit', call.topic, 'captured', call.data);
  }

  async function fetched(asked: AskedFetch): Promise<FetchAnswer> {
    const what = `${asked.method} ${asked.url}`;
    if (!READS.has(asked.method))
      return refuse('fetch', what, 'nothing: it would change something', bodyOf(asked, chars));
    if (!needs.read) return refuse('fetch', what, LIVE);
    const answer = await needs.read(asked);
    note('fetch', `${what} ${answer.status}`, 'answered');
    return answer;
  }

  function fleetAnswer(call: FleetCall): unknown {
    if (call.ask === 'fleetReport') return needs.fleet.report(call.from, call.to);
    if (call.ask === 'fleetHealth') return needs.fleet.health();
    if (call.ask === 'fleetParts') return needs.fleet.parts();
    if (call.ask === 'backUp') return refuse('fleet.backUp', call.to, 'nothing: no file is written');
    if (call.ask === 'proveBackup') return refuse('fleet.proveBackup', call.file, 'nothing: no archive is unpacked');
    return refuse('fleet', call.incident, 'nothing: no model is asked');
  }

  const { answer } = createAnswers({
    state: { get: (key) => store.getState(needs.agent, key), keys: () => store.stateKeys(needs.agent) },
    effects: known,
    fetchAttempts: 1,
    fetch: fetched,
    async models(asked) {
      return refuse('llm', questionOf(asked), 'see what it does in a test of your own: daruma test');
    },
    async exec({ command, args }) {
      return refuse('exec', [command, ...args].join(' '), 'nothing: nobody knows what a command changes');
    },
    kill({ targets, signal }) {
      return refuse(
        'kill',
        `${signal} to ${targets.map(({ pid }) => pid).join(', ')}`,
        'nothing: a rehearsal ends no process',
      );
    },
    fleet: fleetAnswer,
    listeners: (topic) => [...needs.agents().values()].filter(({ on }) => on.includes(topic)).length,
    before,
  });

  return {
    answer,
    effects: () => effects,
    refused: () => refusals,
    refuse: ({ kind, what }) => note(kind, what, 'refused'),
  };
}

function knownEffect({ isDone, result, problem }: EffectRecord): KnownEffect {
  if (!isDone) return { is: 'begun' };
  return problem === undefined ? { is: 'done', result } : { is: 'not-kept', problem };
}

/** The model, and the beginning of what it is asked. */
function questionOf(asked: AskedFetch): string {
  const { model, messages } = askedModel(asked) ?? { model: asked.url, messages: [] };
  const last = messages.at(-1)?.content;
  return typeof last === 'string' ? `${model}: ${last.slice(0, 200)}` : model;
}

/** The body as JSON: a body that is JSON itself stays readable. */
function bodyOf({ body }: AskedFetch, chars: number): string | null {
  if (body === null) return null;
  const text = Buffer.from(body, 'base64').toString().slice(0, chars);
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return JSON.stringify(text);
  }
}
