import type { HostSettings } from '../../catalog/files/host-settings-table.ts';

/** The evidence of a question: some 8,000 tokens, which cost a fraction of a cent. */
const MOST_CHARACTERS = 24_000;
const LEAST_CHARACTERS = 4_000;
/** Tokens for the instructions, the schema and the answer. */
const BESIDE_TOKENS = 3_000;
/** Code and log lines have more tokens than prose. */
const CHARACTERS_PER_TOKEN = 2.5;

/** The number of characters of evidence that every rung whose context is known has room for. */
export function evidenceBudget(chain: HostSettings['models']['chain']): number {
  const contexts = chain.map(({ context }) => context ?? Number.POSITIVE_INFINITY);
  const free = (Math.min(...contexts) - BESIDE_TOKENS) * CHARACTERS_PER_TOKEN;
  return Math.max(LEAST_CHARACTERS, Math.min(MOST_CHARACTERS, Math.floor(free)));
}
