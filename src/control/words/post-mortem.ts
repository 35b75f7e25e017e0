import { type Clock, fullTime, localTimes } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { IncidentView } from '../protocol.ts';
import { diagnosisLines, evidenceLines, resultWords } from './incident.ts';

/** Earlier incidents that a post-mortem names. */
const MOST_NAMED = 20;

/** The other incidents with the fingerprint of this one, in the order in which they are given. */
export function seenBefore(incident: IncidentView, others: readonly IncidentView[]): IncidentView[] {
  return others.filter(({ id, fingerprint }) => id !== incident.id && fingerprint === incident.fingerprint);
}

/**
 * An incident as Markdown, for a post-mortem: facts, timeline, remedies, evidence, earlier ones, and a place for what was learned.
 * Texts of authors and servers stand in code spans, so that no sign in them is markup.
 */
export function postMortemOf(incident: IncidentView, before: readonly IncidentView[], clock: Clock): string {
  const { id, agent, verdict, seen, openedAt, endedAt, version, jobs, repeats, note, timeline, remedies } = incident;
  const at = (time: string) => fullTime(Date.parse(time), clock);
  const facts: [string, string | false | null][] = [
    ['Result', resultWords(incident).toLowerCase()],
    ['Opened', at(openedAt)],
    ['Ended', endedAt && at(endedAt)],
    ['Version', version && said(version)],
    ['Jobs', jobs.length > 0 && jobs.join(', ')],
    ['Repeats', repeats > 0 && String(repeats)],
    ['Note', note && said(note)],
  ];
  const found = evidenceLines(incident.evidence);
  const diagnosis = diagnosisLines(incident.diagnosis);
  return [
    `# ${id}: ${agent ?? 'host'} ${verdict}`,
    said(seen),
    facts.flatMap(([name, value]) => (value ? `- **${name}**: ${value}` : [])).join('\n'),
    '## Timeline',
    timeline.map(({ at: time, what, text }) => `- ${at(time)} **${what}** ${said(localTimes(text, clock))}`).join('\n'),
    '## Remedies',
    remedies
      .map(({ at: time, kind, what, outcome }) => `- ${at(time)} **${kind}** (${outcome}) ${said(what)}`)
      .join('\n') || 'None.',
    ...(found.length > 0 ? ['## Evidence', block(found)] : []),
    ...(diagnosis.length > 0 ? ['## Diagnosis', block(diagnosis)] : []),
    '## Seen before',
    before
      .slice(0, MOST_NAMED)
      .map((one) => `- ${one.id}, ${at(one.openedAt)}: ${resultWords(one).toLowerCase()}`)
      .join('\n') || 'Never, as far as the store knows.',
    '## What we learned',
    '',
  ].join('\n\n');
}

/** A text on one line, in a code span that no backtick in it can end. */
function said(text: string): string {
  const line = oneLine(text).trim();
  const fence = '`'.repeat(longestRun(line) + 1);
  const pad = /^`|`$/.test(line) ? ' ' : '';
  return line === '' ? '' : `${fence}${pad}${line}${pad}${fence}`;
}

function block(lines: readonly string[]): string {
  const text = lines.map(oneLine).join('\n');
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}text\n${text}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
}
