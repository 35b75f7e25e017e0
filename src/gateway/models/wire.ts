import type { PlainFault } from '../../kernel/fault.ts';
import type { FrameBounds } from '../../kernel/frames.ts';
import { MB } from '../../kernel/measures.ts';
import type { CallEnd } from '../../kernel/origin.ts';
import type { Rung } from '../../kernel/rung.ts';
import type { CallEstimate, CheckKind, CheckResult, RungPass, SkippedRung, SpentTry } from './ports.ts';

/** The channel between a host and its model gateway: frames of JSON on a pipe of their own. */
export const GATEWAY_CHANNEL_FD = 3;

/** Bounds of the messages that the host takes from its model gateway. */
export const FROM_GATEWAY: FrameBounds = { bytes: MB, depth: 32, values: 100_000 };
/** Bounds of the messages that the model gateway takes from its host. */
export const TO_GATEWAY: FrameBounds = { bytes: 8 * MB, depth: 64, values: 1_000_000 };

/** Settings of a model gateway. */
export interface GatewayTerms {
  /** The process id of the host. */
  parent: number;
  /** The ports to listen on: the first that is free; 0: any. */
  ports: readonly number[];
  rungs: readonly Rung[];
  /** Models that worked before, by rung: they are asked until the provider's list is known. */
  remembered: Readonly<Record<string, string>>;
}

/** Keys of providers, by rung; a rung that needs a key and has none is off. */
export type ProviderKeys = Readonly<Record<string, string>>;

/** A worker that may ask. `hash`: SHA-256 of its key, in hexadecimal digits. */
export interface GatewayWorker {
  hash: string;
  worker: string;
  agent: string;
}

export type ToGateway =
  | {
      do: 'begin';
      terms: GatewayTerms;
      keys: ProviderKeys;
      off: Readonly<Record<string, string>>;
      workers: readonly GatewayWorker[];
    }
  | { do: 'ping'; n: number }
  /** `off`: the rungs without a key, with the reason. */
  | { do: 'keys'; keys: ProviderKeys; off: Readonly<Record<string, string>> }
  | { do: 'workers'; add: readonly GatewayWorker[]; remove: readonly string[] }
  /** Their calls are closed, also those upstream. */
  | { do: 'attempts ended'; attempts: readonly { job: string; attempt: number }[] }
  | { do: 'go'; id: string; rungs: readonly RungPass[]; skipped: readonly SkippedRung[] }
  | { do: 'refuse'; id: string; fault: PlainFault }
  /** The answer to `pass`; null: the origin is down. */
  | { do: 'pass'; id: string; rung: string; pass: number | null; why: string; retryAt: number | null }
  /** The call is settled: its money, for the caller. */
  | { do: 'settled'; id: string; money: number }
  /** Asks the providers for their models anew. */
  | { do: 'resolve' }
  | { do: 'check'; id: number; rung: string; kind: CheckKind };

export type FromGateway =
  | { say: 'listening'; port: number }
  /** The process cannot work, and another try would end the same way. */
  | { say: 'failed'; fault: PlainFault }
  | { say: 'pong'; n: number }
  /** A call of a worker. `model`: as the caller named it. */
  | {
      say: 'begin';
      id: string;
      worker: string;
      job: string;
      attempt: number;
      model: string;
      /** The rungs that may be tried, in order, each with the model that is asked; `skipped`: the others, with the reason. */
      rungs: readonly { name: string; model: string }[];
      skipped: readonly SkippedRung[];
      estimate: CallEstimate;
    }
  | { say: 'pass'; id: string; rung: string }
  | {
      say: 'tried';
      id: string;
      rung: string;
      model: string;
      pass: number;
      end: CallEnd;
      verdict: SpentTry['verdict'];
    }
  /** The call is over. `down`: no rung has answered it, and its caller got this fault; null: it had its answer, or is the caller's fault. */
  | { say: 'end'; id: string; tries: readonly SpentTry[]; down: PlainFault | null }
  /** The answer of a call that is over was of no use to its caller. */
  | { say: 'unfit'; rung: string; model: string }
  /** The models of a rung, looked up. `gone`: preferred ones that the provider does not list. `why`: the list could not be read. */
  | { say: 'resolved'; rung: string; model: string | null; gone: readonly string[]; why: string | null }
  /** A cool-down or a closing of a rung (`model` null) or of one model began, or is over (`is: 'ready'`). Epoch ms. */
  | {
      say: 'state';
      rung: string;
      model: string | null;
      is: 'ready' | 'cooling' | 'closed';
      until: number | null;
      why: string | null;
    }
  | ({ say: 'checked'; id: number } & CheckResult);
