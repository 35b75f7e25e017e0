import type { CommandResult, CommandRow, GlobalOptions, HostLauncher, Words } from '../../src/cli/ports.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { createStage, exitCodeOf } from '../../src/cli/stage.ts';
import { Fault } from '../../src/kernel/fault.ts';

// Commands that wait side by side each listen for Ctrl-C.
process.setMaxListeners(100);

/** Commands that end by themselves and return one value, which tests ask for again and again. */
const REPEATED = new Set([
  'status',
  'agents',
  'jobs',
  'run',
  'incidents',
  'why',
  'next',
  'versions',
  'dlq',
  'replay',
  'cancel',
  'health',
  'state',
  'secrets',
]);

/**
 * The value of `daruma <args> --json`, what it says beside that, and its exit code, by the code of the command in this process; undefined for a
 * command that is not {@link REPEATED}, and for one without `--json`. A process for each question takes 0.15 s of CPU.
 */
export async function commandInside(
  folder: string,
  args: readonly string[],
): Promise<{ code: number; json: unknown; stderr: string } | undefined> {
  if (!REPEATED.has(args[0]!) || !args.includes('--json')) return undefined;
  const { row, words, options } = await parsed(args);
  let stderr = '';
  const stage = createStage({ folder, json: true, launcher });
  stage.note = (line) => {
    stderr += `${line}\n`;
  };
  try {
    const run = await row.run!(program);
    const result = (await run(stage, words, options as never)) as CommandResult;
    return { code: result.code ?? 0, json: JSON.parse(JSON.stringify(result.json)), stderr };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { code: exitCodeOf(thrown.plain), json: { error: thrown.plain }, stderr };
  } finally {
    stage.close();
  }
}

interface Parsed {
  row: CommandRow;
  words: Words;
  options: GlobalOptions;
}

const latest: { parsed?: Parsed } = {};
/** Made once: all commands with their options take longer than an answer. Each parse begins with none of the options of the one before. */
const program = buildProgram(async (row, words, options) => {
  latest.parsed = { row, words, options };
}, true);

/** The command that is meant, and what it is given. Of commands that wait side by side each has its own: it is known before anything is awaited. */
async function parsed(args: readonly string[]): Promise<Parsed> {
  delete latest.parsed;
  const parsing = program.parseAsync(args, { from: 'user' });
  const { parsed: own } = latest;
  await parsing;
  if (!own) throw new Error(`no command runs for ${args.join(' ')}`);
  return own;
}

const offline = () => import('../../src/host/api/offline.ts');
/** Commands that read call nothing else of it. */
const launcher = {
  offline: async (folder) => (await offline()).openOffline(folder, { knowsSecrets: true }),
  check: async (folder) => (await offline()).checkFiles(folder),
} satisfies Partial<HostLauncher> as Partial<HostLauncher> as HostLauncher;
