import { answerWithin, connectHost } from '../control/own-host.ts';
import type { Ops } from '../control/protocol.ts';
import { Fault } from '../kernel/fault.ts';
import { statusCommand } from './commands/status.ts';
import type { GlobalOptions, HostLauncher, Stage } from './ports.ts';
import { printFault, runRow } from './run-row.ts';
import { typedHere } from './typed.ts';

/**
 * `daruma status` as it is mostly typed: one compiled file, which loads neither the table of commands nor the modules that
 * only other commands need. Resolves with the exit code; undefined for all else, a failure included: nothing has been
 * printed then, and the whole command line answers.
 */
export async function quickStatus(argv: readonly string[], launcher: HostLauncher): Promise<number | undefined> {
  const asked = askedIn(argv);
  if (!asked) return undefined;
  const typed = typedHere(argv);
  try {
    const run = (stage: Stage) => statusCommand({ ...stage, askAnyway: (op, args) => askOnce(stage, op, args) }, []);
    return await runRow({}, run, asked, { launcher, typed });
  } catch (thrown) {
    // The only failure that takes long: the whole command line would wait for the same silent host once more.
    const isSilent = thrown instanceof Fault && thrown.plain.code === 'HOST_SILENT';
    return isSilent ? printFault(thrown.plain, { json: asked.json === true, typed }) : undefined;
  }
}

/** The options of `status`; undefined where another word, option or value is among the arguments. */
function askedIn(argv: readonly string[]): GlobalOptions | undefined {
  const options: GlobalOptions = {};
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === '--dir' && options.dir === undefined && argv[at + 1] !== undefined) options.dir = argv[++at]!;
    else if (word === '--json') options.json = true;
    else words.push(word);
  }
  return words.length === 1 && words[0] === 'status' ? options : undefined;
}

/** The host's answer, without the patience that a host which is not there is given. */
async function askOnce<O extends keyof Ops>({ folder, time }: Stage, op: O, args: Ops[O]['args']) {
  const client = await connectHost(folder, time);
  try {
    return { value: await answerWithin(client.ask(op, args), folder, time), down: false };
  } finally {
    client.close();
  }
}
