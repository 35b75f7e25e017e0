import type { DryRunView } from '../../control/protocol.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { faultLines } from './fault.ts';
import type { Paint } from './paint.ts';

/** The effects of a job that ran dry, whole: no line of it is cut, since it says what would be sent. */
export function dryRunLines(answer: DryRunView, { paint }: { paint: Paint }): string[] {
  const { agent, state, error, effects, result, summary, standIns, live } = answer;
  const wanted = (effects ?? []).filter(({ is }) => is !== 'answered');
  const shown = wanted.flatMap(({ kind, what, is, data }) => [
    `  ${paint(is === 'refused' ? 'yellow' : 'dim', WORDS[is])} ${kind} ${oneLine(what)}`,
    ...(data === undefined ? [] : jsonLines(data)),
  ]);
  const lines = [`${paint('bold', agent)}  dry run: nothing got out, and no job was kept`];
  if (standIns.length > 0)
    lines.push(`  ${paint('yellow', '!')} not in force yet, a stand-in was given: ${standIns.join(', ')}`);
  lines.push(...shown);
  if (summary) lines.push('', ...summary.split('\n').map((line) => `  ${line}`));
  // A summary of a plugin that shows what it would do says the same as its result.
  else if (result !== null && result !== undefined) lines.push(...jsonLines(result));
  if (state === 'done') return [...lines, `${paint('green', '✓')} ran to its end`];
  if (error?.code === 'REHEARSAL_REFUSED' || answer.refused > 0) {
    const hint = !live && wanted.some(({ what }) => /^(GET|HEAD) /.test(what));
    return [
      ...lines,
      `${paint('yellow', '?')} ended where it was refused: ${oneLine(error?.message ?? '')}`,
      ...(hint ? [`  ${paint('cyan', '→')} --live lets requests go out that only read`] : []),
    ];
  }
  return [...lines, ...(error ? faultLines(error, paint) : [])];
}

const WORDS = { captured: 'would', refused: 'refused', answered: 'did' } as const;

function jsonLines(value: unknown): string[] {
  return JSON.stringify(value, null, 2)
    .split('\n')
    .map((line) => `      ${line}`);
}
