import { type Clock, fullTime, shortTime } from '../../kernel/clock.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Alert, AlertStep } from './ports.ts';

/** The input of a channel agent. */
export interface Post {
  title: string;
  text: string;
  markdown: string;
  /** The page of the incident. Left out: the page cannot be reached from elsewhere. */
  url?: string;
  level: 'info' | 'warning' | 'critical' | 'recovery';
}

interface PostFacts {
  clock: Clock;
  /** The machine and the installation: `ops-1 my-ops`. */
  place: string;
  /** The address of the page where people see it. */
  page: string | undefined;
  /** The channel heard nothing of the trouble before its end. */
  both?: boolean;
}

/** A line of a text: what it says, under its name where it has one. */
type Line = readonly [name: string | null, text: string];

/**
 * The words of a step: what, since when, what was done, what is left, the next command, who causes it. The end of a trouble says how long
 * it was; where a channel was told nothing before, begin and end are one text.
 */
export function composePost(alert: Alert, step: AlertStep, facts: PostFacts): Post {
  const lines = linesOf(alert, step, facts);
  const sign = step.is === 'firing' && alert.severity === 'warning' ? '!' : SIGN[step.is];
  const title = `${sign} ${headline(alert, step)}`;
  return {
    title,
    text: lines.map(([name, text]) => (name === null ? text : `${name}: ${text}`)).join('\n'),
    markdown: markdownOf(lines),
    ...(facts.page === undefined ? {} : { url: urlOf(facts.page, alert) }),
    level: levelOf(alert, step),
  };
}

const SIGN: Readonly<Record<AlertStep['is'], string>> = {
  firing: '✗',
  reminder: '✗',
  over: '✓',
  healed: '✓',
  digest: '·',
};

function headline({ title, since, endedAt }: Alert, { is, at }: AlertStep): string {
  if (is === 'reminder') return `${title}, still after ${formatDuration(at - since)}`;
  if (is === 'over') return `over: ${title} (${formatDuration(Math.max(0, (endedAt ?? at) - since))})`;
  return title;
}

function linesOf(alert: Alert, step: AlertStep, { clock, place, both = false }: PostFacts): Line[] {
  const { seen, done, left, next, culprit, since, endedAt, ending, incident, returns } = alert;
  if (step.is === 'digest')
    return [
      [null, seen],
      ['installation', place],
    ];
  const isOver = step.is === 'over' || step.is === 'healed';
  const now = step.at;
  const begun = `${shortTime(since, { ...clock, now })} (${formatDuration(Math.max(0, now - since))} ago)`;
  const ended = `${shortTime(endedAt ?? now, { ...clock, now })}, after ${formatDuration(Math.max(0, (endedAt ?? now) - since))}`;
  const lines: (Line | false)[] = [
    [null, isOver && !both ? (ending ?? 'it is over') : seen],
    isOver && both && [null, `It is over: ${ending ?? 'it is gone'}. Nobody could be told before.`],
    ['since', begun],
    isOver && ['over', ended],
    returns > 0 && ['back', `${returns} ${returns === 1 ? 'time' : 'times'}`],
    done.length > 0 && ['done', done.join('; ')],
    culprit !== null && ['caused by', culprit],
    ['left to you', isOver ? 'nothing' : left],
    ['next', isOver ? nextAfterEnd(incident) : next],
    ['installation', place],
  ];
  return lines.filter((line) => line !== false);
}

function nextAfterEnd(incident: string | null): string {
  return incident === null ? 'daruma alerts' : `daruma incidents ${incident}`;
}

function levelOf({ severity }: Alert, { is }: AlertStep): Post['level'] {
  if (is === 'over' || is === 'healed') return 'recovery';
  if (is === 'digest') return 'info';
  return severity === 'warning' ? 'warning' : 'critical';
}

function urlOf(page: string, { incident }: Alert): string {
  return `${page.replace(/\/+$/, '')}/${incident === null ? 'alerts' : `incidents/${incident}`}`;
}

/** Paragraphs, and then a list. The words come from plugins and servers: they are no Markdown. */
function markdownOf(lines: readonly Line[]): string {
  const said = lines.filter(([name]) => name === null).flatMap(([, text]) => text.split('\n').map(escaped));
  const items = lines.flatMap(([name, text]) =>
    name === null ? [] : `- **${name}**: ${name === 'next' ? inCode(text) : escaped(text)}`,
  );
  return [...said, items.join('\n')].join('\n\n');
}

const escaped = (text: string) => text.replace(/[\\`*_{}[\]<>|~#]/g, '\\$&');

function inCode(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}

/** The step in one block of plain text, for the terminal and the file. */
export function blockOf(alert: Alert, step: AlertStep, post: Post, clock: Clock): string {
  const lines = post.text.split('\n').map((line) => `    ${line}`);
  return [`${fullTime(step.at, clock)}  ${post.title}  [${alert.id} ${step.n}]`, ...lines, ''].join('\n');
}
