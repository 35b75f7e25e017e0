import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { Time } from '../../kernel/time.ts';
import type { AgentState, Context, JobFacts, Json, OnceOptions, PluginLog } from '../../plugin/context.ts';
import type { Fleet } from '../../plugin/fleet.ts';
import type { Llm } from '../../plugin/llm.ts';
import type { ModelAccess } from '../ports.ts';
import type { BareCall } from '../wire.ts';
import type { Calls } from './calls.ts';
import { deniedLlm } from './denied-llm.ts';
import { createOnce } from './effects.ts';
import { createContextExec } from './exec.ts';
import type { createFetch } from './fetch.ts';
import { createContextFleet } from './fleet.ts';
import { toJson } from './json.ts';
import type { createContextLlm } from './llm.ts';
import { textOfKey } from './options.ts';
import type { PluginLines } from './plugin-log.ts';
import type { PluginSeries } from './plugin-series.ts';
import { createSend, createState } from './requests.ts';

/** Values that all attempts of a worker share. */
export interface WorkerSetting {
  agent: string;
  folder: string;
  dryRun: boolean;
  settings: unknown;
  secrets: Readonly<Record<string, string>>;
  mayUseFleet: boolean;
  /** null: without `needs.llm`. */
  models: { access: ModelAccess; createContextLlm: typeof createContextLlm } | null;
  calls: Calls;
  time: Time;
  /** Missing for an agent without `needs.net`: `fetch` costs a cold start some milliseconds. */
  createFetch: typeof createFetch | undefined;
  lines: PluginLines;
  series: PluginSeries;
  /** Throws when the host is not in `needs.net`. */
  checkUrl(input: string | URL | Request): void;
  /** Writes the sign of progress of the place's job into shared memory. */
  progress(place: number, note?: string): void;
}

/** A job as it was handed over. */
interface GivenJob {
  seq: number;
  /** Where the shared memory has its progress. */
  place: number;
  id: string;
  attempt: number;
  trigger: string;
  slot: number | null;
  input: string | null;
}

const LONGEST_SUMMARY = 64 * 1024;

/**
 * The context of one attempt, and what the worker needs to know of it. Parts are made when the plugin asks for them:
 * most jobs use two or three, and a job may take a few microseconds. Every part works when it is taken out of the
 * context (`run({ log, once })`).
 */
export class Attempt implements Context<unknown> {
  /** The last text given to `summary`. */
  text: string | undefined;
  /** The fault that the signal was aborted for. */
  aborted: PlainFault | undefined;
  readonly #home: WorkerSetting;
  readonly #given: GivenJob;
  #open = true;
  #asking = 0;
  #quiet: (() => void) | undefined;
  #job: JobFacts | undefined;
  /** The input as the plugin's schema has parsed it. */
  #checked: { input: unknown } | undefined;
  #log: PluginLog | undefined;
  #controller: AbortController | undefined;
  #once: Context['once'] | undefined;
  #exec: Context['exec'] | undefined;
  #fetch: Context['fetch'] | undefined;
  #state: AgentState | undefined;
  #fleet: Fleet | undefined;
  #llm: Llm | undefined;

  constructor(home: WorkerSetting, given: GivenJob) {
    this.#home = home;
    this.#given = given;
  }

  get settings(): unknown {
    return this.#home.settings;
  }
  get secrets(): Readonly<Record<string, string>> {
    return this.#home.secrets;
  }
  get agent(): string {
    return this.#home.agent;
  }
  get folder(): string {
    return this.#home.folder;
  }
  get dryRun(): boolean {
    return this.#home.dryRun;
  }
  get job(): JobFacts {
    const { id, attempt, slot, trigger, input } = this.#given;
    this.#job ??= {
      id,
      attempt,
      slot: slot === null ? null : isoOf(slot),
      trigger,
      input: this.#checked ? (this.#checked.input as Json) : input === null ? null : (JSON.parse(input) as Json),
    };
    return this.#job;
  }
  get log(): PluginLog {
    this.#log ??= this.#home.lines.of(this.#given.id);
    return this.#log;
  }
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(abortReason(this.aborted));
    }
    return this.#controller.signal;
  }
  get beat(): Context['beat'] {
    return (note) => {
      if (this.#open) this.#progress(note ?? '');
    };
  }
  get count(): Context['count'] {
    return this.#home.series.count;
  }
  get gauge(): Context['gauge'] {
    return this.#home.series.gauge;
  }
  get time(): Context['time'] {
    return this.#home.series.time as Context['time'];
  }
  get once(): Context['once'] {
    this.#once ??= createOnce(this.#ask);
    const once = this.#once;
    return <T>(key: string, effect: () => T | Promise<T>, options?: OnceOptions) =>
      this.#during(once(key, effect, options));
  }
  get state(): AgentState {
    this.#state ??= createState(this.#ask);
    return this.#state;
  }
  get send(): Context['send'] {
    return createSend(this.#ask);
  }
  get emit(): (topic: string, data?: unknown) => Promise<number> {
    return async (topic, data) => {
      const call: BareCall = {
        ask: 'emit',
        topic: textOfKey(topic, 'a topic'),
        data: toJson(data, 'the data', 'data'),
      };
      return (await this.#ask(call)) as number;
    };
  }
  get fetch(): Context['fetch'] {
    return async (input, options) => {
      this.#mustBeOpen();
      const { time, secrets, calls, checkUrl } = this.#home;
      if (!this.#home.createFetch) {
        checkUrl(input);
        return globalThis.fetch(input, { ...options, signal: this.signal });
      }
      this.#fetch ??= this.#home.createFetch({
        time,
        secrets,
        models: this.#home.models?.access.baseURL,
        signal: () => this.signal,
        checkUrl,
        // Not counted as a call of the plugin's: the end of the job waits for none of them.
        ask: (call) => calls.ask(this.#given.seq, call),
        progress: this.#progress,
      });
      return this.#fetch(input, options);
    };
  }
  get exec(): Context['exec'] {
    this.#exec ??= createContextExec(this.#ask, () => this.signal);
    return this.#exec;
  }
  get kill(): Context['kill'] {
    return async (targets, signal = 'SIGTERM') => {
      const named = targets.map(({ pid, start }) => ({ pid, start }));
      return (await this.#ask({ ask: 'kill', targets: named, signal })) as number;
    };
  }
  get summary(): Context['summary'] {
    return (markdown) => {
      this.#mustBeOpen();
      const text = String(markdown);
      this.text = text.length > LONGEST_SUMMARY ? `${text.slice(0, LONGEST_SUMMARY - 8)}\n\n(cut)` : text;
      this.#progress();
    };
  }
  get fleet(): Fleet {
    this.#fleet ??= createContextFleet(this.#ask, {
      allowed: this.#home.mayUseFleet,
      agent: this.#home.agent,
      progress: this.beat,
    });
    return this.#fleet;
  }

  get llm(): Llm {
    const { models, time, agent } = this.#home;
    this.#llm ??= models
      ? models.createContextLlm({
          ...{ time, access: models.access, attempt: this.#given, progress: this.#progress },
          signal: () => this.signal,
          mustBeOpen: () => this.#mustBeOpen(),
        })
      : deniedLlm(agent);
    return this.#llm;
  }

  /** From now on this is what the job was given. */
  handOver(input: unknown): void {
    this.#checked = { input };
  }

  /** Aborts the signal. */
  abort(why: PlainFault): void {
    this.aborted ??= why;
    this.#controller?.abort(abortReason(this.aborted));
  }

  /** Resolves when no call is underway: a call that the plugin did not await is part of the attempt, too. */
  quiet(): Promise<void> | undefined {
    if (this.#asking === 0) return undefined;
    return new Promise((resolve) => {
      this.#quiet = resolve;
    });
  }

  /** From now on calls are refused. */
  close(): void {
    this.#open = false;
  }

  readonly #progress = (note?: string): void => this.#home.progress(this.#given.place, note);

  readonly #ask = (call: BareCall): Promise<unknown> => {
    this.#mustBeOpen();
    this.#progress();
    return this.#during(this.#home.calls.ask(this.#given.seq, call));
  };

  #during<T>(promise: Promise<T>): Promise<T> {
    const ended = () => {
      this.#progress();
      if (--this.#asking === 0) this.#quiet?.();
    };
    this.#asking += 1;
    promise.then(ended, ended);
    return promise;
  }

  #mustBeOpen(): void {
    if (this.#open) return;
    const { id, attempt } = this.#given;
    throw new Fault({
      code: 'ATTEMPT_ENDED',
      message: `attempt ${attempt} of job ${id} has ended; its context cannot be used any more`,
      next: 'await everything that run begins before it returns',
    });
  }
}

/** The reason of a signal that was aborted for the fault. */
export function abortReason(why: PlainFault): Error {
  const error = Object.assign(new Error(why.message), { code: why.code });
  error.name = why.code === 'TIMEOUT' ? 'TimeoutError' : 'AbortError';
  return error;
}
