import type { World } from '../world.ts';
import type { Ledger } from './ledger.ts';

/** Jobs that were asked for and done, and in the system's own terms what became of the rest. */
export interface Work {
  offered: number;
  done: number;
  rest: Record<string, number>;
}

/** A running system whose one program notes its work in the ledger, with the mark of its version. */
export interface Session {
  runRecord: Ledger;
  /** Saves the program anew, in the way that the system is meant to be told of it; returns at once. */
  save(mark: string): void;
  /** Saves one that cannot be parsed. */
  saveBroken(): void;
  /** Puts a second program beside it, that notes its mark as soon as it runs. */
  saveNew(mark: string): void;
  /** Resolves when what the last save began has ended. */
  rested(): Promise<void>;
  /** The program by the system's own words. */
  stands(): Promise<string>;
  /** Up to now; what is under way is waited for, 15 s at most. */
  work(): Promise<Work>;
  close(): Promise<void>;
}

export interface System {
  name: string;
  note: string;
  open(world: World, load: { perSecond: number; jobMs: number }): Promise<Session>;
}

/** A program that cannot be parsed. */
export const BROKEN = 'export default broken(\n';
