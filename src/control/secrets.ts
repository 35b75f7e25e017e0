import type { PlainFault } from '../kernel/fault.ts';

/** The secrets that agents declare: names and places, never a value. */
export interface SecretsView {
  /** By name. */
  secrets: {
    name: string;
    /** In words: `.env`, `the environment`, `SHOP_TOKEN_FILE (/run/shop)`; null: it is not to be had. */
    where: string | null;
    /** Why it is not; null when it is. */
    missing: string | null;
    /** Those that declare it. */
    agents: string[];
  }[];
  /** `unused`: names in `.env` that no agent declares. */
  envFile: { isThere: boolean; unused: string[] };
  /** What is wrong with `.env` itself; `notes`: what is only worth a line. */
  problems: PlainFault[];
  notes: PlainFault[];
}
