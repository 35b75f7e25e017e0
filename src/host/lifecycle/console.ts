import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asTyped, jsonAsTyped, typedFrom } from '../../control/typed.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { problemLines } from './banner.ts';

/** The form in which the person who started this process types commands. */
const TYPED = typedFrom(process.env);

/** The file of the host's settings as a person finds it; `defaults` when there is none. */
export function configPlace(folder: string): string {
  return existsSync(join(folder, 'config/daruma.yaml')) ? './config/daruma.yaml' : 'defaults';
}

/** Writes why a host could not start: to stderr for a person, to stdout as JSON. */
export function writeStartError({ stack: _, next = 'daruma check', ...said }: PlainFault, json: boolean) {
  const error = { ...said, next };
  if (json) process.stdout.write(`${jsonAsTyped({ error }, TYPED)}\n`);
  else writeErr(problemLines(error).join('\n'));
}

/** Writes to stdout, for a person. */
export function writeOut(text: string) {
  process.stdout.write(`${asTyped(text, TYPED)}\n`);
}

/** Writes to stderr, for a person. */
export function writeErr(text: string) {
  process.stderr.write(`${asTyped(text, TYPED)}\n`);
}
