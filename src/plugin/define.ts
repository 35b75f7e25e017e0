import type { z } from 'zod';
import type { Context, Delivery, Json } from './context.ts';
import type { HostEvent, HostTopic } from './host-events.ts';
import type { Duration, Size } from './units.ts';

/** The input of a job of an agent that listens to the topics: where they are the host's alone and nobody says else, the event. */
type EventInput<Topic extends string, Else> = [Topic] extends [never]
  ? Else
  : [Topic] extends [HostTopic]
    ? Json extends Else
      ? HostEvent<Topic>
      : [Else] extends [null]
        ? HostEvent<Topic>
        : Else
    : Else;

/** Limits of a worker and of its attempts. An agent file may set each of them anew. */
export interface Limits {
  /** Heap, external memory and children together. Default `128MB`. */
  memory?: Size;
  /** The longest that one attempt may take. Default `5m`; of an agent that runs `always`: none. */
  timeout?: Duration;
  /** The longest without a beat or other progress; silence is failure. Default: the timeout, at most `15m`. */
  silence?: Duration;
  /** Attempts of a job in all before it goes to the dead letters, 1–100. Default 5. */
  attempts?: number;
  /** The pauses between attempts: the first one, doubled each time up to the longest, ±25 % by chance. Default `1s` … `5m`. */
  backoff?: { first?: Duration; longest?: Duration };
  /** A job that could not start within this time is dropped instead of run late. Default: never. */
  staleAfter?: Duration;
  /** The time that a job has to end after its signal was aborted, before its worker is killed. Default `2s`. */
  grace?: Duration;
}

/** The most that the jobs of an agent may ask of models in a day of the host's time zone. A limit that is left out: none of its own. */
export interface LlmLimits {
  /** Calls, however many providers each of them asked. */
  calls?: number;
  /** Tokens of prompts and answers together: `50_000`, `'200k'`, `'2M'`. */
  tokens?: number | string;
  /** Money in the currency of `models.prices`. Providers that cost nothing are never blocked by it. */
  money?: number;
}

/** Rights of a worker. A right that is not named is denied. */
export interface Needs<Secret extends string = string> {
  /** Names of secrets: `run` gets their values, and the types know the names. */
  secrets?: Secret[];
  /** Names of environment variables, without secrets. */
  env?: string[];
  /**
   * Hosts that may be reached: `api.shop.example`, `*.shop.example`, `localhost:8080`, or `*` for all. `settings.url`: the host
   * and port of that setting, whose value is a URL or a list of them.
   */
  net?: string[];
  /** Files and folders that may be read; relative ones are inside the installation. */
  read?: string[];
  /** Files and folders that may be read and written; relative ones are inside the installation and made when missing. */
  write?: string[];
  /**
   * Commands that `context.exec` may run: names that are looked up in the usual folders, absolute paths, or `*` for all; with a list of
   * arguments, only with those: `{ command: 'git', args: ['log', '*'] }`. A `*` is any one argument, and at the end any number.
   */
  exec?: (string | { command: string; args: string[] })[];
  /**
   * Words of command lines, `*` for all: `context.kill` may signal processes that have one of them in theirs, and processes that those
   * started. Never those of Daruma itself.
   */
  kill?: string[];
  /** Node's guarded modules that may be imported; only `node:sqlite` can be asked for. */
  modules?: 'node:sqlite'[];
  /** The read-only view of the installation, `context.fleet`. */
  fleet?: boolean;
  /** Models, by `context.llm`: `true`, or the most that a day may use. The limits of config/daruma.yaml hold for all agents together. */
  llm?: boolean | LlmLimits;
}

/**
 * A secret that senders share with the host, by its name. Two names while a secret is changed: a delivery counts that was signed with
 * either of them. Workers do not get the value; list the name in `needs.secrets` as well where `run` wants it.
 */
export type WebhookSecret = string | [string] | [string, string];

/** Deliveries from outside: `POST /hooks/<agent>` gives the agent a job for each. */
export interface Webhook<Body extends z.ZodType = z.ZodType> {
  /**
   * The form in which senders prove themselves: the signature of GitHub (`X-Hub-Signature-256`), Stripe (`Stripe-Signature`) or Slack
   * (`X-Slack-Signature`) over the body, or the secret itself (`Authorization: Bearer …`).
   */
  verify: { github: WebhookSecret } | { stripe: WebhookSecret } | { slack: WebhookSecret } | { bearer: WebhookSecret };
  /**
   * A zod schema of the body. A delivery with another body is refused with status 422, and `job.input` is
   * `{ event, delivery, body }` with the type of the body, or null for a job that no delivery made.
   */
  input?: Body;
  /**
   * The path of the delivery's id in the body: `order.id`. Default: the sender's own (`X-GitHub-Delivery`, the `id` of a Stripe event,
   * `event_id` or `trigger_id` of Slack, the header `Idempotency-Key`). A second delivery with the same id gives no second job.
   */
  key?: string;
  /** The longest body. Default `256KB`, at most `1MB`. */
  maxBody?: Size;
  /** Deliveries that are taken in a minute; the next ones get status 429. Default 600. */
  perMinute?: number;
  /** Jobs of the agent that may wait; further deliveries get status 503 until there are fewer. Default 10,000. */
  maxWaiting?: number;
}

/** How jobs that are asked for again and again become one, which is given the input of the last. */
export interface Debounce {
  /** The job starts so long after the last time that it was asked for. */
  period: Duration;
  /** The job starts so long after the first time at the latest, however often it is asked for. Default: ten times the period. */
  timeout?: Duration;
  /** The path of a value in the input, `order.id`: jobs with equal values become one, and those without. Default: all jobs of the agent do. */
  key?: string;
}

/** How many jobs with equal values in their input run at a time, and begin within a length of time. The others wait for their turn. */
export interface KeyedLimit {
  /** The path of a value in the input, `account.id`: jobs with equal values share the limit, and so do those without. Default: all jobs of the agent do. */
  key?: string;
  /** Jobs of one key that run at a time, 1–10,000. Default: as many as workers have room for. */
  concurrency?: number;
  /** Jobs of one key that begin within `per`, 1–10,000. Attempts count, those after a failure too. Default: any number. */
  rate?: number;
  /** The length of time that `rate` counts in. */
  per?: Duration;
}

/** The definition of a plugin: how one kind of job is done. */
export interface PluginDefinition<
  Schema extends z.ZodType = z.ZodType,
  Input extends z.ZodType = z.ZodType,
  Secret extends string = string,
  Body extends z.ZodType = z.ZodType,
  Topic extends string = string,
> {
  /** A sentence for people: the purpose of the plugin. */
  about: string;
  /**
   * When it runs: five or six cron fields (seconds first), with `L`, `LW`, `15W`, `MON#1`, `FRI#L`; an alias such as `@daily`; or equal
   * distances, `@every 90m`.
   */
  schedule?: string;
  /** A moment, instead of a schedule: `2026-12-24T18:00` in its time zone. The agent runs once. */
  at?: string;
  /** A day (`2026-12-01`) or a moment of its time zone: the schedule asks for nothing before it. `@every` counts from there. */
  from?: string;
  /** A day, which counts as a whole, or a moment: the schedule has ended after it. */
  until?: string;
  /** Days on which the schedule asks for nothing: `2026-12-25`, `2026-12-24/2027-01-01`. */
  except?: string[];
  /** IANA name of the schedule's time zone. Default: `timezone` of config/daruma.yaml, else the machine's. */
  timezone?: string;
  /** Slots that were missed while the host was down: none is run, only the newest, or all of them. Default `once`. */
  catchUp?: 'skip' | 'once' | 'all';
  /** Decides about a slot that is due while the job of an earlier slot is unfinished: `skip` it, `queue` its job, or `replace` the earlier job. Default `skip`. */
  overlap?: 'skip' | 'queue' | 'replace';
  /** With `overlap: 'queue'`: so many jobs of earlier slots may be unfinished; a slot beyond is skipped. 1–1000, default 100. */
  maxQueued?: number;
  /** A slot's job starts up to this much later, by chance: spreads agents that share a minute. Default none. */
  jitter?: Duration;
  /**
   * Topics whose events give it a job: those that plugins emit, and the host's own, such as `incident.opened` and `job.dead`
   * (docs/events.md). The types know the data of the host's.
   */
  on?: Topic[];
  /** Takes deliveries of other programs at `/hooks/<agent>`. */
  webhook?: Webhook<Body>;
  /**
   * Sends, events and deliveries that come close together give it one job. Jobs of slots and of people start at their time, and so do
   * sends with `after`.
   */
  debounce?: Debounce;
  /** How many jobs of one account, shop or server it does at a time or begins within a time. Jobs beyond wait, and hold up no others. */
  limit?: KeyedLimit;
  /**
   * Runs as long as the host runs, for long polls, sockets and queues: one job, started with the host and again whenever it returns
   * or throws. The job has no timeout unless `limits` sets one, and has to `beat()` within `limits.silence` (default `15m`). `always` stands
   * alone: no schedule, `at`, `on`, `webhook`, `firstRun` or `input` beside it.
   */
  always?: boolean;
  /** Gives the agent one job as soon as it is new to the installation, instead of waiting for its first slot. Default false. */
  firstRun?: boolean;
  /** A zod object for `settings`. Use `z.strictObject`, so that typing errors are refused. */
  settings?: Schema;
  /**
   * A zod schema of `job.input`, which has its type. A sender of anything else is refused, and a job that was given
   * something else is a dead letter at once. A job of a schedule is given nothing: let it be `.optional()` or have a default.
   */
  input?: Input;
  limits?: Limits;
  needs?: Needs<Secret>;
  /** Workers that run its jobs side by side: `min` are kept warm, more come with the load, up to `max`. Default `{ min: 0, max: 1 }`; a critical agent keeps one warm at least. */
  workers?: { min?: number; max?: number };
  /**
   * How many jobs one worker does side by side, 1–100: for work that mostly waits for others. They share the worker's thread and
   * memory, and the variables of the plugin's file; each has a context, a timeout, logs and effects of its own. Default 1: one
   * after the other. An agent file may lower it.
   */
  concurrency?: number;
  /** `own`: a cell of its own, apart from all others. Default `shared`. */
  isolation?: 'shared' | 'own';
  /**
   * How much its work matters beside that of others: `critical` agents come first where room or memory is short, `background`
   * agents last; an agent that has waited long enough has its turn whatever its class. Default `normal`.
   */
  class?: 'critical' | 'normal' | 'background';
  /**
   * Does one job. The returned value (JSON) is the job's result; a throw is a failed attempt, tried again by backoff; see
   * {@link GiveUp} and {@link RetryLater}.
   */
  run(context: Context<z.output<Schema>, InputOf<Input, Body, Topic>, Secret>): unknown;
}

/** The type of `job.input`: of the schema `input`, else of the deliveries that `webhook.input` takes, and of the host's events. */
type InputOf<Input extends z.ZodType, Body extends z.ZodType, Topic extends string> = [Body] extends [never]
  ? EventInput<Topic, z.output<Input>>
  : unknown extends z.output<Body>
    ? z.output<Input>
    : Delivery<z.output<Body>> | EventInput<Topic, null> | null;

const MARK = Symbol.for('daruma.plugin');

/**
 * Defines a plugin; the default export of its file.
 *
 * @example
 * export default definePlugin({
 *   about: 'Says hello every morning.',
 *   schedule: '0 9 * * *',
 *   run: ({ log }) => log.info('hello'),
 * });
 */
export function definePlugin<
  Schema extends z.ZodType = z.ZodType<Record<string, never>>,
  Input extends z.ZodType = z.ZodType<Json>,
  Secret extends string = never,
  Body extends z.ZodType = never,
  Topic extends string = never,
>(
  definition: PluginDefinition<Schema, Input, Secret, Body, Topic>,
): PluginDefinition<Schema, Input, Secret, Body, Topic> {
  return Object.freeze(Object.defineProperty({ ...definition }, MARK, { value: true }));
}

/** Whether a value came out of {@link definePlugin}, of this or of another copy of Daruma. */
export function isPlugin(value: unknown): value is PluginDefinition {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[MARK] === true;
}
