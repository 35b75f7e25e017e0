import { asTyped, jsonAsTyped, type Typed } from '../control/typed.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import { installationFolder } from './folder.ts';
import type { CommandResult, CommandRow, GlobalOptions, HostLauncher, Stage } from './ports.ts';
import { createStage, exitCodeOf } from './stage.ts';
import { faultLines } from './text/fault.ts';
import { paintFor } from './text/paint.ts';
import { fitLine } from './text/width.ts';

/** Runs a command in its folder, prints its result, and resolves with its exit code. Rejects as the command does. */
export async function runRow(
  { outlivesReaders, anyFolder, isVerbatim }: Pick<CommandRow, 'outlivesReaders' | 'anyFolder' | 'isVerbatim'>,
  run: (stage: Stage) => Promise<CommandResult | number>,
  options: GlobalOptions,
  { launcher, typed }: { launcher: HostLauncher; typed: Typed },
): Promise<number> {
  if (!outlivesReaders) endWithReaders();
  const folder = anyFolder ? process.cwd() : installationFolder(options.dir, process.cwd());
  const stage: Stage = createStage({ folder, json: options.json === true, launcher, typed });
  try {
    const said = await run(stage);
    if (typeof said === 'number') return said;
    if (stage.json) {
      stage.out(jsonAsTyped(said.json, typed, 2));
      return said.code ?? 0;
    }
    const lines = isVerbatim ? said.lines : said.lines.map((line) => asTyped(line, typed));
    for (const line of fitted(lines, stage)) stage.out(line, true);
    return said.code ?? 0;
  } finally {
    stage.close();
  }
}

/** A terminal breaks a long line inside a word, so lines are broken between words before; a pipe gets them whole. */
function fitted(lines: string[], { width }: Stage): string[] {
  const isForPeople = process.stdout.isTTY || process.env.COLUMNS !== undefined;
  return isForPeople ? lines.flatMap((line) => fitLine(line, width)) : lines;
}

/** Tells a failure on stderr, or on stdout as JSON, and returns the exit code that it asks for. */
export function printFault(fault: PlainFault, { json, typed }: { json: boolean; typed: Typed }): number {
  endWithReaders();
  if (json) process.stdout.write(`${jsonAsTyped({ error: fault }, typed, 2)}\n`);
  else process.stderr.write(`${asTyped(faultLines(fault, paintFor(process.stderr)).join('\n'), typed)}\n`);
  const calls = fault.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  if (!json && calls.length > 0) process.stderr.write(`${asTyped(calls.join('\n'), typed)}\n`);
  return exitCodeOf(fault);
}

/** `daruma logs | head -1`: the reader has closed the pipe, which is no failure. */
export function endWithReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount('error') > 0) continue;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      throw new Fault({ code: error.code ?? 'OUTPUT', message: `cannot write the output: ${error.message}` });
    });
  }
}
