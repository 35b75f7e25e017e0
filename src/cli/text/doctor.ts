import type { DoctorCheck } from '../../control/protocol.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { Paint, Style } from './paint.ts';
import { wrap } from './width.ts';

const GROUPS: readonly DoctorCheck['group'][] = ['host', 'supervision', 'agents', 'llm', 'fences'];
const SIGNS: Readonly<Record<DoctorCheck['state'], [sign: string, style: Style]>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  problem: ['✗', 'red'],
  unknown: ['·', 'dim'],
};

/** The checks by their groups, each with its fix below it. */
export function checkLines(
  checks: readonly DoctorCheck[],
  { paint, width }: { paint: Paint; width: number },
): string[] {
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
export function tallyOf(checks: readonly DoctorCheck[]): { words: string; problems: number } {
  const count = (state: DoctorCheck['state']) => checks.filter((check) => check.state === state).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  const many = (number: number, one: string) => `${number} ${one}${number === 1 ? '' : 's'}`;
  const words =
    problems + warnings === 0 ? 'nothing to do' : `${many(problems, 'problem')}, ${many(warnings, 'warning')}`;
  return { words, problems };
}
