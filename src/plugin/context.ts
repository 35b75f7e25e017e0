import type { Fleet } from './fleet.ts';
import type { Llm } from './llm.ts';
import type { Duration, Size } from './units.ts';

/** A value that survives JSON: inputs, results and states are such values. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The job that this call of `run` does. */
export interface JobFacts<Input = Json> {
  /** Names the job; the same in all of its attempts. */
  readonly id: string;
  /** 1 for the first attempt. Together with `id` it is the fencing token: hand it to outside systems that can check it. */
  readonly attempt: number;
  /** The time that the schedule asked for, as an ISO 8601 string; null for a job that no schedule asked for. */
  readonly slot: string | null;
  /** The reason for the job: `schedule`, `manual`, `send`, `event`, `always` or `webhook`. */
  readonly trigger: string;
  /** The input that the sender handed over, parsed by the plugin's `input` if it has one; null when nothing was. */
  readonly input: Input;
}

/** The input of a job that a delivery to `/hooks/<agent>` made. */
export interface Delivery<Body = Json> {
  /** The event's name: the header `X-GitHub-Event`, or `type` of the body of Stripe and Slack; null where the sender names none. */
  readonly event: string | null;
  /** The id that the sender gave the delivery; null where it gave none. */
  readonly delivery: string | null;
  /** The body, parsed: JSON, the JSON in the field `payload` of a form, or the fields of a form. */
  readonly body: Body;
}

/** Writes a line to the host's JSON log under the agent's name. `data` must survive JSON. */
export interface PluginLog {
  debug(message: string, data?: Record<string, unknown>): void;
  info(message: string, data?: Record<string, unknown>): void;
  warn(message: string, data?: Record<string, unknown>): void;
  error(message: string, data?: Record<string, unknown>): void;
}

/** A durable key-value map of the agent, shared by all its workers and attempts. Keys ≤ 200 characters, values ≤ 1 MB of JSON. */
export interface AgentState {
  get<T = Json>(key: string): Promise<T | undefined>;
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): Promise<string[]>;
}

/** Names and values of what a series of figures is about: `{ shop: 'north' }`. Up to four, texts of up to 64 characters. */
export type MetricLabels = Readonly<Record<string, string>>;

export interface SendOptions {
  /**
   * A second `send` to the same agent with the same key is the same job, as long as the first is kept (30 days after its end,
   * unless config/daruma.yaml says otherwise) and was not cancelled or dropped.
   */
  key?: string;
  /** Not before this time from now. */
  after?: Duration;
  /** −100 … 100; higher runs first. Default 0. */
  priority?: number;
  /** Dropped when it could not start within this time. Default: the receiving agent's `limits.staleAfter`. */
  staleAfter?: Duration;
  /** Resolve with a {@link SentJob} instead of the id. Default false. */
  detail?: boolean;
}

/** The result of a `send` with `detail: true`. */
export interface SentJob {
  id: string;
  /** false: no job was added, because the agent's job `id` has the key, or took the input over (the agent's `debounce`). */
  isNew: boolean;
  /** State of that job now; `queued` for a new job. */
  state: 'queued' | 'running' | 'retrying' | 'done' | 'dead';
  /** Whether that job was given the same input. */
  sameInput: boolean;
}

export interface OnceOptions {
  /**
   * Decides what `once` does when an earlier attempt began the effect and its end was never recorded, or its result could not be kept.
   * `fail` (default) throws {@link EffectUnknown}, `repeat` does it again, `skip` returns undefined (hand over null in
   * its place where a list of a result or an input holds it).
   */
  ifUnknown?: 'fail' | 'repeat' | 'skip';
}

export interface ExecOptions {
  /** Text for the command's standard input, at most 8 MB. Default: nothing. */
  input?: string;
  /** The longest that it may run; then it is killed with everything it started. Default: as long as the job. */
  timeout?: Duration;
  /** Environment variables beside `PATH`, `HOME`, `LANG`, `LC_ALL`, `TZ` and `TMPDIR`, which are the host's. */
  env?: Record<string, string>;
  /**
   * A folder among `needs.read` or `needs.write`. Default: a scratch folder of this attempt, empty at its beginning and
   * deleted with everything in it at its end.
   */
  cwd?: string;
  /** Bytes that are kept of each stream; of a longer one, the first and the last half. At most 8MB. Default `1MB`. */
  maxOutput?: Size;
  /** false: a command that fails is no error; look at `code` and `signal`. Default true. */
  check?: boolean;
}

/** Options of `context.fetch` beside those of every `fetch`. */
export interface FetchOptions extends RequestInit {
  /**
   * Tries of the call in all, 1–10. Only calls that do no harm when they are repeated are tried again: GET, HEAD,
   * OPTIONS, and PUT or DELETE whose body is no stream. Default: 3, or what config/daruma.yaml says.
   */
  attempts?: number;
  /**
   * The longest that one try may take until its answer begins, and that the answer may be silent while it is read: a body that
   * goes on may take as long as the job. After that the call fails with `FETCH_TIMEOUT`. Default `30s`, or what
   * config/daruma.yaml says.
   */
  timeout?: Duration;
}

/** The end of a command. */
export interface ExecResult {
  /** null when a signal ended it. */
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** A part of `stdout` or `stderr` was left out. */
  truncated: boolean;
  tookMs: number;
}

/** A process of the machine, by its id and its start: ids are used again, both together never are. */
export interface ProcessName {
  pid: number;
  /** Ticks between the boot and its start: field 22 of `/proc/<pid>/stat`. */
  start: number;
}

/** The signals that a plugin may send to processes of the machine. */
export type KillSignal = 'SIGTERM' | 'SIGINT' | 'SIGKILL';

/** The context that `run` is given. The parts of a context belong to this one attempt. */
export interface Context<Settings = Record<string, never>, Input = Json, Secret extends string = string> {
  /** The agent's settings, parsed by the plugin's schema. */
  readonly settings: Settings;
  /** The values of the names in `needs.secrets`; nothing else. All of them are there: without one the agent does not start. */
  readonly secrets: Readonly<Record<Secret, string>>;
  /** The agent that the job belongs to. */
  readonly agent: string;
  /** The absolute path of the installation. A worker's own working directory is empty: build paths from this one. */
  readonly folder: string;
  /**
   * true: `daruma run --dry-run` asks what the job would do. Show it in the result and the summary. Nothing that a plugin does all the same gets out:
   * requests that write, commands and files are refused, and `send`, `emit` and `state` are noted and not done.
   */
  readonly dryRun: boolean;
  readonly job: JobFacts<Input>;
  readonly log: PluginLog;
  /** Aborted at timeout, silence, drain and kill. Hand it to everything that waits. */
  readonly signal: AbortSignal;
  /** A sign that the job makes progress. A job that does not beat for `limits.silence` is taken for failed. */
  beat(note?: string): void;
  /**
   * Adds to a counter of the agent's own, by 1 or by an amount that is not below 0. Calls are summed up in the worker and are as cheap as
   * adding to a variable; `daruma metrics <agent>` and `/metrics` show them. An agent has 50 names and 200 series of its
   * own, a label 50 values: what is beyond is left out, and told once.
   *
   * @example count('orders', 1, { shop: 'north' });
   */
  count(name: string, amount?: number, labels?: MetricLabels): void;
  /** Reads a level of now: the length of a queue, a temperature. The least, the mean and the most of each minute are kept. */
  gauge(name: string, value: number, labels?: MetricLabels): void;
  /**
   * Measures how long something takes: a function, whose result it returns, or a length in ms. P50, P95 and P99 of each minute are kept.
   *
   * @example const page = await time('render', () => render(order));
   */
  time<T>(name: string, run: () => T, labels?: MetricLabels): T;
  time(name: string, ms: number, labels?: MetricLabels): void;
  /**
   * Does an effect at most once in the life of the job: it is recorded before and after, and every attempt, the first one
   * too, gets what was stored: the result through JSON (a Date is a text).
   *
   * Throws `EFFECT_NOT_KEPT` when the result cannot be stored: the effect was done, the job is dead at once, and a replay
   * gets the same error unless `ifUnknown` says otherwise.
   */
  once<T>(key: string, effect: () => T | Promise<T>, options?: OnceOptions): Promise<T>;
  readonly state: AgentState;
  /**
   * Puts a durable job in another agent's queue; resolves with its id once it is on disk. With a key that a job has, that job's
   * id; `detail: true` says so.
   *
   * @example
   * const { isNew, state } = await send('mail', letter, { key: `order:${id}`, detail: true });
   */
  send(agent: string, input: unknown, options: SendOptions & { detail: true }): Promise<SentJob>;
  send(agent: string, input?: unknown, options?: SendOptions): Promise<string>;
  /** Gives a job to every agent that listens `on` the topic; resolves once their jobs are on disk, with the number of them. */
  emit(topic: string, data?: unknown): Promise<number>;
  /**
   * `fetch` bound to the job's signal. No connection, no answer in time, 429 and 5xx are tried again after a short pause
   * (a short Retry-After is obeyed); what then is left is yours to judge, as with any `fetch`.
   *
   * Throws `FETCH_TIMEOUT` when the last try was not answered in time, or its body fell silent; `NOT_IN_NEEDS` for a host that `needs.net` does not name, and `ORIGIN_DOWN` while the server counts as down,
   * for all agents alike: it is not asked then. A job that fails of that waits until it is back, and loses no attempt.
   */
  fetch(input: string | URL | Request, init?: FetchOptions): Promise<Response>;
  /**
   * Runs a command that `needs.exec` names, without a shell: arguments are handed over as they are. The command is the host's
   * child, not the worker's; whatever is left of it is killed when the attempt ends. Up to four of an agent run at a time.
   *
   * Throws `EXEC_FAILED` with the last lines of its stderr when it ends with anything but code 0, unless `check: false`;
   * `EXEC_TIMEOUT` when it took too long; `NOT_IN_NEEDS` and `EXEC_NOT_FOUND` when it was not run at all.
   *
   * @example
   * const { stdout } = await exec('git', ['rev-parse', 'HEAD'], { cwd: folder });
   */
  exec(command: string, args?: string[], options?: ExecOptions): Promise<ExecResult>;
  /**
   * Sends a signal, `SIGTERM` unless another is named, to processes of the machine that `needs.kill` covers: by a word of their command
   * lines, or as a part of the tree of such a process. Resolves with how many of these very processes were there. Throws `NOT_IN_NEEDS`,
   * and signals none, when one of them is any other process, or Daruma's own.
   *
   * @example
   * await kill([{ pid, start }], 'SIGTERM');
   */
  kill(targets: readonly ProcessName[], signal?: KillSignal): Promise<number>;
  /** Keeps a Markdown text with the job, for people. The last call counts; ≤ 64 KB. */
  summary(markdown: string): void;
  /** The read-only view of the installation; using it without `needs.fleet` throws. */
  readonly fleet: Fleet;
  /** Models, by the chain of config/daruma.yaml; using them without `needs.llm` throws. */
  readonly llm: Llm;
}
