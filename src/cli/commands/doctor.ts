import { claimantOf } from '../../control/claim.ts';
import type { CommandFenceView, DoctorCheck, DoctorView, FenceView } from '../../control/protocol.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { commandFenceWords, fenceWords } from '../text/fence.ts';
import type { Paint, Style } from '../text/paint.ts';
import { factLines, wrap } from '../text/width.ts';

const GROUPS: readonly DoctorCheck['group'][] = ['host', 'supervision', 'agents', 'llm', 'fences'];
const SIGNS: Readonly<Record<DoctorCheck['state'], [sign: string, style: Style]>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  problem: ['✗', 'red'],
  unknown: ['·', 'dim'],
};

type Tries = FenceView['tried'];

const TRIES: readonly [keyof Tries, string][] = [
  ['files', 'a file outside'],
  ['network', 'a socket, where no host is among its needs'],
  ['unixSockets', 'a unix socket'],
  ['signals', 'a signal to the host'],
  ['commands', 'a program'],
];
const ANSWERS: Readonly<Record<Tries[keyof Tries], string>> = {
  kernel: 'refused by the kernel',
  node: 'refused by Node alone',
  granted: 'granted',
  open: 'NOT refused',
};

const NAMES: Readonly<Record<keyof Tries, string>> = {
  files: 'files',
  network: 'network',
  unixSockets: 'sockets',
  signals: 'signals',
  commands: 'programs',
};

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

/** The fences that a cell tried, a fact each. */
function triedFacts({ tried }: FenceView): [string, string][] {
  return TRIES.map(([what, words]) => [NAMES[what], `${words}: ${ANSWERS[tried[what]]}`]);
}

/** The checks by their groups, each with its fix below it. */
function checkLines(checks: readonly DoctorCheck[], { paint, width }: { paint: Paint; width: number }): string[] {
  return GROUPS.flatMap((group) => {
    const own = checks.filter((check) => check.group === group);
    return own.length === 0 ? [] : [paint('bold', group), ...own.flatMap((check) => linesOf(check, paint, width))];
  });
}

function linesOf({ state, text, fix }: DoctorCheck, paint: Paint, width: number): string[] {
  const [sign, style] = SIGNS[state];
  const [first, ...rest] = wrap(oneLine(text), width - 4);
  const lines = [`  ${paint(style, sign)} ${first}`, ...rest.map((line) => `    ${line}`)];
  return fix === null ? lines : [...lines, `      ${paint('cyan', '→')} ${fix}`];
}

/** `3 problems, 2 warnings`, and how many problems there are. */
function tallyOf(checks: readonly DoctorCheck[]): { words: string; problems: number } {
  const count = (state: DoctorCheck['state']) => checks.filter((check) => check.state === state).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  const many = (number: number, one: string) => `${number} ${one}${number === 1 ? '' : 's'}`;
  const words =
    problems + warnings === 0 ? 'nothing to do' : `${many(problems, 'problem')}, ${many(warnings, 'warning')}`;
  return { words, problems };
}
