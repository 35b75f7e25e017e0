import type { PlainFault } from '../kernel/fault.ts';
import type { LogLevel } from '../kernel/log.ts';
import type { ExecResult, KillSignal, MetricLabels, ProcessName } from '../plugin/context.ts';
import type { Limits } from '../plugin/define.ts';
import type {
  BackupProof,
  DiagnosisAnswer,
  DiagnosisQuestion,
  DiagnosisResult,
  FleetHealth,
  FleetParts,
  FleetReport,
  StoreCopy,
} from '../plugin/fleet.ts';
import type { Duration } from '../plugin/units.ts';
import type { AskedModel, ModelReply } from '../sandbox/models.ts';

/** Differences from a first attempt that is asked for by hand, without settings, at the machine's time. */
export interface RunOptions {
  /** The values as they would stand in an agent file. */
  settings?: Record<string, unknown>;
  /** The input of the job; JSON. */
  input?: unknown;
  /** Values of the names in `needs.secrets`; each of them is wanted. */
  secrets?: Record<string, string>;
  /** Values of the names in `needs.env`. The test's own environment is not seen. */
  env?: Record<string, string>;
  /** The content of `context.state` before the attempt. */
  state?: Record<string, unknown>;
  /** The effects of earlier attempts: hand over the `effects` of one run to the next. */
  effects?: Record<string, Effect>;
  /** The answers to `fetch`. Default: none, so that every request fails by name. */
  http?: Http;
  /** Where the plugin's clock (`Date`, `Temporal.Now`) stands when `run` begins; it goes on from there. */
  now?: Date | string;
  /** `context.dryRun`. Default false. Calls of the plugin are answered as in any other test. */
  dryRun?: boolean;
  /** The number of the attempt. Default 1. */
  attempt?: number;
  /** The time that a schedule asked for. Default: none did. */
  slot?: Date | string;
  /** The plugin's own limits, set anew. */
  limits?: Limits;
  /** Aborted when the run of a plugin that runs `always` is to stop, as a host does at its end; wanted there. */
  stop?: AbortSignal;
  /** Short for `limits.timeout`. */
  timeout?: Duration;
  /** The answers of `context.fleet`. */
  fleet?: {
    report?: FleetReport | ((period: { from?: string; to?: string }) => FleetReport);
    health?: FleetHealth;
    /** Makes the copy of the store that the plugin asks for, or only says what came of it. `to`: as the plugin wrote it. */
    backUp?: (to: string) => StoreCopy | Promise<StoreCopy>;
    /** Proves the archive that the plugin made, or only says what came of it. `file`: as the plugin wrote it. */
    proveBackup?: (file: string) => BackupProof | Promise<BackupProof>;
    parts?: FleetParts;
    /** The evidence of an incident, and whether a model is to be asked. */
    evidence?: (incident: string) => DiagnosisQuestion;
    /** Takes the diagnosis of an incident. Default: it is taken, and its remedy not carried out. */
    diagnosed?: (incident: string, answer: DiagnosisAnswer) => DiagnosisResult;
  };
  /** Runs a command in place of the system: a text is what it prints. The plugin's `needs.exec` must name it. */
  exec?: (
    command: string,
    args: string[],
    input?: string,
  ) => string | Partial<ExecResult> | Promise<string | Partial<ExecResult>>;
  /** Stands in for the system where the plugin signals processes: how many were there. None is signalled in a test. */
  kill?: (targets: ProcessName[], signal: KillSignal) => number;
  /**
   * The answers of models, by `context.llm` and by clients of OpenAI's API alike: a list, in order, the last one again and again; or
   * a function. Default: none, so that every call fails by name.
   */
  llm?: ModelReply[] | ((asked: AskedModel) => ModelReply | Promise<ModelReply>);
  /** The installation that the plugin sees, as `context.folder`. Default: an empty one that is gone after the run. */
  folder?: string;
}

/**
 * Answers from a list; from a function; from a file that is written by real requests when it is not there
 * (`{ record: 'price-watch.http.json' }`, beside the plugin's file); or `real` requests each time.
 */
export type Http =
  | Recorded[]
  | ((request: Request) => Response | Promise<Response>)
  | { record: string | URL }
  | 'real';

/**
 * An answer to a request. Several answers to the same method and URL are given in their order, the last one again and
 * again.
 */
export interface Recorded {
  /** Default GET. */
  method?: string;
  url: string;
  /** Default 200. */
  status?: number;
  headers?: Record<string, string>;
  /** A text unchanged; other values as JSON. Default: nothing. */
  body?: unknown;
  /** Instead of `body`, for what is no text. */
  base64?: string;
}

/** An effect, as the store records it. */
export type Effect =
  | { is: 'done'; result?: unknown }
  /** The effect was done, and its result could not be kept. */
  | { is: 'not-kept'; problem: string }
  /** Begun, and its end was never recorded. */
  | { is: 'begun' };

/** How the attempt ended and all that it did. */
export interface Ran<Result = unknown> {
  state: 'done' | 'failed';
  /** The value that `run` returned, through JSON; null when it failed. */
  result: Result;
  /** Why it failed, with its code and, where it is known, its place in the source. */
  error: PlainFault | null;
  /** Whether another attempt would follow: false after GiveUp, RetryLater's pause in ms. */
  retry: boolean | number;
  logs: { level: LogLevel; message: string; data?: Record<string, unknown> }[];
  /** Jobs for other agents; a second one with the same key is not among them. */
  sends: Sent[];
  /** Events that the attempt emitted. */
  events: { topic: string; data: unknown }[];
  effects: Record<string, Effect>;
  /** The content of `context.state` after the attempt. */
  stateAfter: Record<string, unknown>;
  summary: string | null;
  /** The most memory that was seen counted against `limits.memory`, in MB. */
  peakMb: number;
  tookMs: number;
  /** Every call of models, in order. */
  models: AskedModel[];
  /** The series that the attempt counted, read and timed, by name and labels. */
  metrics: Counted[];
  /** Every `fetch`, in order. `status: null`: no answer came of it. */
  requests: {
    method: string;
    url: string;
    headers: Record<string, string>;
    body: string | null;
    status: number | null;
  }[];
}

/** A series of `context.count`, `context.gauge` or `context.time`. */
export type Counted = { name: string; labels: MetricLabels } & (
  | { kind: 'counter'; sum: number }
  | { kind: 'gauge'; last: number; least: number; most: number }
  /** How many lengths there were, and their sum in ms. */
  | { kind: 'histogram'; count: number; sum: number }
);

/** A job that the attempt sent to an agent. */
export interface Sent {
  id: string;
  agent: string;
  input: unknown;
  key?: string;
  afterMs?: number;
  priority?: number;
  staleAfterMs?: number;
}
