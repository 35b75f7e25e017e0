import { isAbsolute, relative, resolve } from 'node:path';
import { BOUNDS } from '../../kernel/bounds.ts';
import { numberOf } from '../given.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { rehearsalLines } from '../text/rehearsal.ts';

export interface RehearseOptions {
  last: string;
  file?: string;
  against?: string;
  live?: boolean;
}

/**
 * Runs the newest source on the inputs of past jobs and shows both results. Exit code 1 when it fails where the old one
 * was done, 3 when nothing could be compared.
 */
export async function run(
  stage: Stage,
  [name]: (string | undefined)[],
  options: RehearseOptions,
): Promise<CommandResult> {
  const { file, against, live } = options;
  const args = {
    name: name!,
    last: numberOf(options.last, BOUNDS.rehearsed, '--last'),
    file: file === undefined ? undefined : inside(stage.folder, file),
    against,
    live,
  };
  const client = await stage.connect();
  let count = 0;
  const answer = await client.ask('rehearse', args, ({ job, is }) => {
    if (!stage.json && process.stderr.isTTY) stage.note(stage.paintNote('dim', `${++count}  ${job}  ${is}`));
  });
  const words = answer.jobs.map(({ is }) => is);
  const code = words.includes('fails') ? 1 : words.some((word) => word !== 'unclear') ? 0 : 3;
  return { json: answer, lines: rehearsalLines(answer, stage), code };
}

/** As the host knows it: relative to the installation, wherever the command is given. */
function inside(folder: string, file: string): string {
  const here = relative(folder, resolve(process.cwd(), file));
  return isAbsolute(file) || here.startsWith('..') ? file : here;
}
