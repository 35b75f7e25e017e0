import { claimantOf } from '../../control/claim.ts';
import type { CommandFenceView, DoctorCheck, DoctorView, FenceView } from '../../control/protocol.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { checkLines, tallyOf } from '../text/doctor.ts';
import { commandFenceWords, fenceWords, triedFacts } from '../text/fence.ts';
import { factLines } from '../text/width.ts';

/** Checks all that can be checked, on the host and here, and tries the fences; exit code 3 when something needs you. */
export async function doctorCommand(stage: Stage): Promise<CommandResult> {
  const { launcher, folder, width } = stage;
  const [fence, commands, seen, store] = await Promise.all([
    launcher.fence(folder),
    launcher.commandFence(folder).catch((error) => toPlainFault(error)),
    look(stage),
    launcher.checkStoreFile(folder),
  ]);
  const checks = [
    ...seen.checks,
    store,
    fenceCheck(fence),
    ...fence.missing.map(lackOf),
    commandCheck(commands),
    ...rootCheck(),
  ];
  if (!('code' in commands)) checks.push(...commands.missing.map(lackOf));
  const view: DoctorView = { ...fence, commands: 'code' in commands ? null : commands, running: seen.running, checks };
  const facts = factLines([...triedFacts(fence), ['threads', threadWords(fence)]], width);
  const { words, problems } = tallyOf(checks);
  return {
    json: view,
    lines: [...checkLines(checks, stage), ...facts.map((line) => `  ${line}`), '', words],
    ...(problems > 0 ? { code: 3 } : {}),
  };
}

/** The checks of the host, or those that need none. */
async function look(stage: Stage): Promise<{ running: boolean; checks: DoctorCheck[] }> {
  try {
    const { checks } = await stage.ask('doctor', {});
    return { running: true, checks: [...checks, await aloneCheck(stage)] };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const { code, message, next } = thrown.plain;
    const { checks } = await stage.launcher.doctor(stage.folder);
    if (code === 'HOST_DOWN') return { running: false, checks };
    const own = checks.filter(({ name }) => name !== 'supervisor' && name !== 'port');
    return { running: false, checks: [...own, check('supervision', 'host', 'problem', message, next ?? null)] };
  }
}

/** Whether the host that answers is the one that has the folder: a second one would work beside it unseen. */
async function aloneCheck({ ask, folder }: Stage): Promise<DoctorCheck> {
  const [{ pid }, claimant] = await Promise.all([ask('ping', {}), claimantOf(folder)]);
  if (!claimant || claimant.pid === pid) return check('supervision', 'alone', 'ok', `no other host has this folder`);
  const text = `the host that answers is pid ${pid}, and pid ${claimant.pid} has the folder`;
  return check('supervision', 'alone', 'problem', text, `kill ${pid}; daruma status`);
}

function check(
  group: DoctorCheck['group'],
  name: string,
  state: DoctorCheck['state'],
  text: string,
  fix: string | null = null,
): DoctorCheck {
  return { name, group, state, text, fix };
}

function fenceCheck(fence: FenceView): DoctorCheck {
  const state = fence.fence === 'full' ? 'ok' : fence.fence === 'none' ? 'problem' : 'warning';
  const fix = state === 'problem' ? 'fence: required in config/daruma.yaml keeps agents with rights off here' : null;
  return check('fences', 'fence', state, fenceWords(fence), fix);
}

function lackOf(text: string): DoctorCheck {
  return check('fences', 'fence', 'warning', text);
}

function commandCheck(commands: CommandFenceView | PlainFault): DoctorCheck {
  if ('code' in commands) return check('fences', 'commands', 'problem', commands.message, commands.next ?? null);
  return check(
    'fences',
    'commands',
    commands.fence === 'none' ? 'warning' : 'ok',
    `commands ${commandFenceWords(commands)}`,
  );
}

function rootCheck(): DoctorCheck[] {
  if (process.getuid?.() !== 0) return [];
  return [check('fences', 'user', 'warning', AS_ROOT, 'daruma service install runs the host as a user of its own')];
}

const AS_ROOT = 'you are root: what runs as root outside of a fence can read the environment of a host of root';

/** Threads that a process had before it shut itself in: only the filter reaches them. */
function threadWords({ landlock, seccomp }: { landlock: number; seccomp: boolean }): string {
  if (landlock === 0) return seccomp ? 'all of them behind the filter' : 'as Node holds them';
  return 'those that run JavaScript behind both, native code in the others behind the filter alone';
}
