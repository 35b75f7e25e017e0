import type { CommandResult, HostLauncher } from '../../src/cli/ports.ts';
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
  let said: { code: number; json: unknown } | undefined;
  let stderr = '';
  const program = buildProgram(async (row, words, options) => {
    const stage = createStage({ folder, json: true, launcher });
    stage.note = (line) => {
      stderr += `${line}\n`;
    };
    try {
      const run = await row.run!(program);
      const result = (await run(stage, words, options as never)) as CommandResult;
      said = { code: result.code ?? 0, json: JSON.parse(JSON.stringify(result.json)) };
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      said = { code: exitCodeOf(thrown.plain), json: { error: thrown.plain } };
    } finally {
      stage.close();
    }
  }, true);
  await program.parseAsync(args, { from: 'user' });
  return said && { ...said, stderr };
}

const offline = () => import('../../src/host/api/offline.ts');
/** Commands that read call nothing else of it. */
const launcher = {
  offline: async (folder) => (await offline()).openOffline(folder, { knowsSecrets: true }),
  check: async (folder) => (await offline()).checkFiles(folder),
} satisfies Partial<HostLauncher> as Partial<HostLauncher> as HostLauncher;
