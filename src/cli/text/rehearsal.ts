import type { RehearsalSide, RehearsalView, RehearsedView } from '../../control/protocol.ts';
import { locationOf } from '../../kernel/fault.ts';
import { shortId } from '../../kernel/short-id.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Paint, Style } from './paint.ts';
import { type Column, type Row, table } from './table.ts';
import { cut } from './width.ts';

interface Look {
  paint: Paint;
  width: number;
}

const SIGNS: Record<RehearsedView['is'], { sign: string; style: Style }> = {
  same: { sign: '✓', style: 'green' },
  differs: { sign: '≠', style: 'yellow' },
  mended: { sign: '✓', style: 'green' },
  fails: { sign: '✗', style: 'red' },
  'both-fail': { sign: '–', style: 'dim' },
  unclear: { sign: '?', style: 'yellow' },
};
const WORDS: Record<RehearsedView['is'], string> = {
  same: 'same',
  differs: 'differ',
  mended: 'mended',
  fails: 'fail',
  'both-fail': 'fail as before',
  unclear: 'unclear',
};
const SHOWN_PLACES = 3;
const SHOWN_EFFECTS = 4;
const INDENT = '     ';

/**
 * Old and new results side by side, jobs with equal outcomes in one row, then what all of them come to. A hint that would
 * make most of the rows mean more stands first.
 */
export function rehearsalLines(answer: RehearsalView, look: Look): string[] {
  const { paint } = look;
  const lines = liveHint(answer, look);
  for (const { agent, version, against, file } of answer.agents) {
    const what = [`${shortId(version)}${file ? ` (${file})` : ''}`, against ? shortId(against) : 'the record'];
    lines.push(`${paint('bold', agent)}  ${what[0]} against ${what[1]}`);
    const jobs = answer.jobs.filter((job) => job.agent === agent);
    if (jobs.length === 0) lines.push('  no job of it has ended yet');
    else
      lines.push(
        ...table(
          COLUMNS,
          groupsOf(jobs).map((group) => rowOf(group, look)),
          look,
        ),
        '',
      );
  }
  return [...lines, ...sums(answer, look)];
}

const COLUMNS: Column[] = [
  '',
  'JOB',
  'WHAT',
  { title: 'OLD', atLeast: 20 },
  { title: 'NEW', atLeast: 20 },
  { title: 'TOOK', right: true },
];

function rowOf(group: RehearsedView[], { paint, width }: Look): Row {
  const one = group[0]!;
  const { sign, style } = SIGNS[one.is];
  const took = [one.old, one.new].map(({ durationMs }) => (durationMs === null ? '–' : formatDuration(durationMs)));
  return {
    cells: [
      [sign, style],
      group.length === 1 ? one.job : `${one.job} +${group.length - 1}`,
      [one.is, style],
      outcome(one.old),
      outcome(one.new),
      took.join(' → '),
    ],
    below: below(one).map((line) => paint('dim', cut(`${INDENT}${line}`, width))),
  };
}

function outcome({ state, result, error }: RehearsalSide): string {
  if (state === 'failed') return oneLine(error?.message ?? 'failed');
  return result === null || result === undefined ? 'done' : json(result);
}

/** Where they differ, and what it wanted of the world. */
function below({ differences, differing, new: now }: RehearsedView): string[] {
  const places = differences.slice(0, SHOWN_PLACES).map(({ path, is, before, after }) => {
    const values =
      is === 'added' ? `+ ${json(after)}` : is === 'removed' ? `- ${json(before)}` : `${json(before)} → ${json(after)}`;
    return `${path || '(result)'}: ${values}`;
  });
  if (differing > SHOWN_PLACES) places.push(`… and ${differing - SHOWN_PLACES} places more`);
  const place = now.error && locationOf(now.error);
  if (place) places.push(`at ${place}`);
  const wanted = (now.effects ?? []).filter(({ is }) => is !== 'answered');
  // Refusals come first.
  const effects = [...wanted].sort((a, b) => Number(b.is === 'refused') - Number(a.is === 'refused'));
  const shown = effects.slice(0, SHOWN_EFFECTS).map(({ kind, what, is, data }) => {
    return `${is} ${kind} ${oneLine(what)}${data === undefined ? '' : ` ${json(data)}`}`;
  });
  if (effects.length > SHOWN_EFFECTS) shown.push(`… and ${effects.length - SHOWN_EFFECTS} effects more`);
  return [...places, ...shown];
}

/**
 * Jobs whose outcomes say the same: the same verdict for the same errors, in the same places, with the same requests
 * refused. Values may differ from job to job (a price, a time); the first job of a group stands for it.
 */
function groupsOf(jobs: RehearsedView[]): RehearsedView[][] {
  const places = (one: RehearsedView) =>
    one.differences.map(({ path, is }) => `${is} ${path.replace(/\[\d+\]/g, '[]')}`);
  const wanted = ({ effects }: RehearsalSide) => effects?.map(({ kind, what, is }) => `${is} ${kind} ${what}`) ?? [];
  const key = (one: RehearsedView) =>
    JSON.stringify([
      one.is,
      one.old.error?.message,
      one.new.error?.message,
      [...new Set(places(one))].sort(),
      [...new Set(wanted(one.new))].sort(),
    ]);
  return [...Map.groupBy(jobs, key).values()];
}

/** Requests that only read were refused: with `--live` they go out, and the outcomes can be compared. */
function liveHint({ jobs, live }: RehearsalView, { paint }: Look): string[] {
  const isAsked = jobs.some(({ new: { effects } }) =>
    effects?.some(({ is, what }) => is === 'refused' && /^(GET|HEAD) /.test(what)),
  );
  return isAsked && !live ? [`${paint('cyan', '→')} --live lets requests go out that only read`, ''] : [];
}

function sums({ jobs }: RehearsalView, { paint, width }: Look): string[] {
  if (jobs.length === 0) return [`${paint('yellow', '?')} there was nothing to rehearse`];
  const order = Object.keys(WORDS) as RehearsedView['is'][];
  const counts = order.map((word) => ({ word, count: jobs.filter(({ is }) => is === word).length }));
  const said = counts.flatMap(({ word, count }) => (count > 0 ? `${count} ${WORDS[word]}` : []));
  const has = (word: RehearsedView['is']) => jobs.some(({ is }) => is === word);
  const worst = has('fails') ? 'fails' : has('differs') ? 'differs' : has('unclear') ? 'unclear' : 'same';
  const { sign, style } = SIGNS[worst];
  const lines = [`${paint(style, sign)} ${said.join(' · ')}`];
  const places = commonPlaces(jobs);
  if (places.length > 0) lines.push(cut(`  differ in ${places.join(', ')}`, width));
  return lines;
}

/** `checkedAt (18 jobs)`: a place that differs each time is mostly a time or an id. */
function commonPlaces(jobs: RehearsedView[]): string[] {
  const counts = new Map<string, number>();
  for (const { differences } of jobs) {
    const paths = new Set(differences.map(({ path }) => path.replace(/\[\d+\]/g, '[]') || '(result)'));
    for (const path of paths) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([path, count]) => `${path} (${count} ${count === 1 ? 'job' : 'jobs'})`);
}

function json(value: unknown): string {
  return oneLine(JSON.stringify(value) ?? '');
}
