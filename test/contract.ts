import { z } from 'zod';
import { COMMAND_RESULTS } from '../src/operations/commands.ts';
import { errorResult, helpResult, programResult } from '../src/operations/results/command.ts';

/** The schema of what `daruma <words>` prints with `--json` when it ends with `code`; undefined for a command without one. */
export function resultOf(words: readonly string[], code: number | null): z.ZodType | undefined {
  if (words.includes('--help')) return helpResult;
  if (words.includes('--version') || words.includes('-V')) return programResult;
  const names = words.filter((word) => !word.startsWith('-'));
  const named = COMMAND_RESULTS[names.slice(0, 2).join(' ')] ?? COMMAND_RESULTS[names[0] ?? ''];
  return named && code !== 0 ? z.union([named, errorResult]) : named;
}

/** The value; a promise that rejects with the places that differ when the value is not what the contract says. */
export async function mustKeep<Value>(schema: z.ZodType | undefined, value: Value, who: string): Promise<Value> {
  const read = schema?.safeParse(value);
  if (!read || read.success) return value;
  const text = JSON.stringify(value).slice(0, 1_000);
  throw new Error(`${who} breaks its contract: ${z.prettifyError(read.error)}\n${text}`);
}
