import { isAbsolute, relative, resolve } from 'node:path';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { rehearsalLines } from '../text/rehearsal.ts';

/**
 * Runs the newest source on the inputs of past jobs and shows both results. Exit code 1 when a job fails that was
 * done before, 3 when nothing could be compared.
 */
export async function rehearseCommand(stage: Stage, [name]: Words, options: Given): Promise<CommandResult> {
  const given = argumentsOf('rehearse', options, { clock: stage.clock, command: `rehearse ${name}` });
  const file = given.file === undefined ? undefined : inside(stage.folder, given.file);
  const client = await stage.connect();
  let count = 0;
  const answer = await client.ask('rehearse', { ...given, name: name!, file }, ({ job, is }) => {
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
