import type { AgentDebounce } from '../kernel/debounce.ts';
import type { KeyLimit } from '../kernel/key-limit.ts';
import type { LogLevel } from '../kernel/log.ts';
import type { LlmLimits, Needs } from '../plugin/define.ts';

type CatchUp = 'skip' | 'once' | 'all';
type Overlap = 'skip' | 'queue' | 'replace';

/** How much the work of an agent matters beside that of others, the most first. */
export const AGENT_CLASSES = ['critical', 'normal', 'background'] as const;
export type AgentClass = (typeof AGENT_CLASSES)[number];

export const DEFAULT_MAX_QUEUED = 100;

/** When an agent's schedule asks for jobs. */
export interface ScheduleSpec {
  /** The expression as written: five or six cron fields, an alias, `@every 90m`, or `at 2026-12-24T18:00`. */
  expression: string;
  /** IANA name. */
  timezone: string;
  /** A day or a moment of that zone: nothing is due before `from` or after `until`. */
  from?: string;
  until?: string;
  /** Days on which nothing is due. */
  except?: string[];
  catchUp: CatchUp;
  overlap: Overlap;
  /** With `overlap: queue`: jobs of earlier slots that may be unfinished. Default {@link DEFAULT_MAX_QUEUED}. */
  maxQueued?: number;
  jitterMs: number;
}

/** The timeout of a run that has none: longer than any host lives. */
export const NO_TIMEOUT_MS = 100 * 366 * 86_400_000;

/** All limits, in base units. */
export interface AgentLimits {
  memoryBytes: number;
  timeoutMs: number;
  silenceMs: number;
  graceMs: number;
  attempts: number;
  backoff: { first: number; longest: number };
  /** undefined: a late job is still run. */
  staleAfterMs?: number;
}

/** A plugin's compiled code: immutable, named by its content. */
export interface VersionRef {
  plugin: string;
  /** The first 12 hex digits of the content hash. */
  id: string;
  /** Absolute path of the bundle, plain JavaScript (ESM). */
  file: string;
  /** Absolute path of its source map. */
  mapFile: string;
  /** Files and folders that the code may read without a right of its own, absolute: files kept with it, libraries. Default none. */
  reads?: string[];
}

/** Forms in which a sender of deliveries proves itself. */
export type WebhookForm = 'github' | 'stripe' | 'slack' | 'bearer';

/** The deliveries that an agent takes from outside, at `/hooks/<agent>`. */
export interface AgentWebhook {
  form: WebhookForm;
  /** Names of secrets, the newest first: either proves a sender. */
  secrets: string[];
  /** The path of the delivery's id in the body; undefined: the sender's own id. */
  key?: string;
  maxBodyBytes: number;
  perMinute: number;
  /** Jobs of the agent that may wait. */
  maxWaiting: number;
}

/** The limits of `needs.llm`, per day of the host's time zone; a limit that is missing: none of its own. */
export interface AgentLlmLimits extends LlmLimits {
  tokens?: number;
}

/** The rights that an agent has. `llm`: false, true without limits of its own, or its limits. */
export interface GrantedNeeds extends Required<Omit<Needs, 'kill'>> {
  llm: boolean | AgentLlmLimits;
  /** Left out where there is none, as in versions that an older host has kept. */
  kill?: string[];
}

/** A plugin put to work, with every value resolved: what the rooms after the catalog know of it. */
export interface Agent {
  name: string;
  about: string;
  version: VersionRef;
  schedule?: ScheduleSpec;
  /** The agent runs as long as the host does: one job, which is started again whenever it ends. */
  always?: true;
  /** Topics it listens to. */
  on: string[];
  /** undefined: it takes no deliveries. */
  webhook?: AgentWebhook;
  /** undefined: each job that is asked for is one. */
  debounce?: AgentDebounce;
  /** undefined: none. */
  keyLimit?: KeyLimit;
  /** The agent gets one job as soon as it is new to the installation. */
  firstRun: boolean;
  /** The settings as written (JSON); the worker parses them with the plugin's schema. */
  settings: unknown;
  /** The input that its jobs take, as JSON Schema draft 7, and whether they take none; undefined: any. */
  input?: { schema: unknown; takesNothing: boolean };
  limits: AgentLimits;
  needs: GrantedNeeds;
  /** Where the agent file narrows what the plugin needs: `agents/x.yaml:4:3`, by the key of the need. */
  narrowed?: Partial<Record<keyof Needs, string>>;
  workers: { min: number; max: number };
  /** How many of its jobs one worker does side by side; undefined: one after the other. */
  concurrency?: number;
  isolation: 'shared' | 'own';
  /** undefined: normal. Part of the fingerprint as `critical` alone, whose workers share their cell with nobody: another change needs no new worker. */
  class?: Exclude<AgentClass, 'normal'>;
  /** The lowest level at which it logs; undefined: info. Running workers follow it, so it is no part of the fingerprint. */
  logLevel?: LogLevel;
  /** Changes whenever a worker started for an older value must not take new jobs: version, settings, limits, needs. */
  fingerprint: string;
}
