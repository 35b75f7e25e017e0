import type { FleetAgent, FleetReport } from 'daruma';
import { dayTitle, stampOf } from './days.ts';
import { activeAgents, isEmpty, isTroubled, jobsOf, successOf, type Totals, totalsOf } from './figures.ts';
import type { Post } from './post.ts';
import { clip, escapeMarkdown, lengthOf, markdownTable, oneLine } from './text.ts';
import { showCount, showMany, showMs, showShare } from './units.ts';

/** The post of a status. `text` has at most {@link SHORT} characters, for micro-blogs. */
type StatusPost = Required<Pick<Post, 'title' | 'text' | 'markdown'>> & Post;

/** The longest `text`, unless its channel takes less. */
export const SHORT = 500;
/** The longest that one sentence of it may be, so that a long error does not push out the rest. */
const SENTENCE = 160;

/** The installation's work in the report's period, in plain words: a title, and sentences by their weight. */
export interface Status {
  title: string;
  sentences: string[];
  /** The longer form: each sentence, and a row for each agent. */
  markdown: string;
}

export function statusOf(report: FleetReport, timezone: string): Status {
  const totals = totalsOf(report);
  const calls = callsIn(report);
  const sentences = isEmpty(totals) ? quietSentences(report) : busySentences(report, totals);
  const title = `Daruma, ${dayTitle(report.to, timezone)}: ${verdict(totals, calls.length)}`;
  const all = [...calls, ...forecasts(report, timezone), ...sentences];
  return { title, sentences: all, markdown: long(report, all) };
}

/** The post for a channel that takes texts of so many characters: whole sentences, as many as fit. */
export function statusPost({ title, sentences, markdown }: Status, most = SHORT): StatusPost {
  return { title, text: asManyAsFit([`${title}.`, ...sentences], most), markdown };
}

/** The needs of the report, each for a person; agents in trouble that it does not name come first. */
function callsIn({ agents, needs }: FleetReport): string[] {
  const named = new Set(needs.map(({ agent }) => agent));
  const troubled = agents.filter((agent) => isTroubled(agent) && !named.has(agent.name));
  return [
    ...troubled.map((agent) => `Needs a look: ${agent.name} (${agent.state}${because(agent)}).`),
    ...needs
      .filter(({ hitsAt }) => hitsAt === undefined)
      .map(({ agent, text }) => `Needs a look: ${agent ?? 'the host'} (${clip(unended(text), 90)}).`),
  ];
}

/** Limits that will be reached, the next one first. */
function forecasts({ needs }: FleetReport, timezone: string): string[] {
  return needs
    .filter(({ hitsAt }) => hitsAt !== undefined)
    .sort((a, b) => (a.hitsAt! < b.hitsAt! ? -1 : 1))
    .map(({ agent, text, hitsAt }) => {
      const about = agent === null ? '' : `${agent}: `;
      return `Ahead: ${about}${clip(unended(text), 90)}, at its limit on ${stampOf(hitsAt!, timezone)}.`;
    });
}

function verdict(totals: Totals, calls: number): string {
  if (calls > 0) return `${showMany(calls, 'thing needs', 'things need')} a look`;
  if (totals.dead > 0) return `${showMany(totals.dead, 'job')} failed for good`;
  if (totals.missed > 0) return `${showMany(totals.missed, 'slot')} missed`;
  return isEmpty(totals) ? 'quiet' : 'all well';
}

function quietSentences({ agents, host }: FleetReport): string[] {
  const ready = `${showMany(agents.length, 'agent is', 'agents are')} ready`;
  const since =
    host.uptimeMs < 86_400_000 ? `yet; Daruma was started ${showMs(host.uptimeMs)} ago` : 'in the last 24 hours';
  return [`Nothing has ended ${since}, ${ready}.`];
}

function busySentences(report: FleetReport, totals: Totals): string[] {
  const agents = report.agents.filter((agent) => jobsOf(agent) > 0);
  const slow = agents.filter((agent) => agent.p95Ms !== null).sort((a, b) => b.p95Ms! - a.p95Ms!)[0];
  const lost = report.failures[0];
  const due = totals.kept + totals.missed;
  return [
    `${showMany(totals.jobs, 'job')} of ${showMany(agents.length, 'agent')} in the last 24 hours, ${showShare(totals.success)} done.`,
    due > 0 && `${showCount(totals.kept)} of ${showMany(due, 'planned start')} kept.`,
    totals.failedAttempts > totals.dead &&
      `${showMany(totals.failedAttempts, 'attempt')} failed and ${totals.dead === 0 ? 'every job was done in the end' : `${showMany(totals.dead, 'job')} stayed undone`}.`,
    report.healed.length > 0 && `${showMany(report.healed.length, 'incident')} healed without a person.`,
    totals.restarts > 0 && `${showMany(totals.restarts, 'worker')} replaced.`,
    totals.dead > 0 && lost && `Last failure: ${lost.agent}, ${unended(lost.error)}.`,
    slow && `Slowest: ${slow.name}, 95 % within ${showMs(slow.p95Ms)}.`,
    `Up ${showMs(report.host.uptimeMs)}.`,
  ].filter((sentence) => typeof sentence === 'string');
}

/** As many sentences as fit, in their order; the first always does. */
function asManyAsFit(sentences: string[], most: number): string {
  let text = '';
  for (const sentence of sentences) {
    const next = text === '' ? clip(sentence, SENTENCE) : `${text} ${clip(sentence, SENTENCE)}`;
    if (lengthOf(next) <= most) text = next;
  }
  return text;
}

function long(report: FleetReport, sentences: string[]): string {
  const rows = activeAgents(report).map((agent) => [
    escapeMarkdown(agent.name),
    agent.state,
    showCount(jobsOf(agent)),
    showShare(successOf(agent)),
    showMs(agent.p95Ms),
  ]);
  const table = markdownTable(['agent', 'state', 'jobs:', 'done:', 'p95:'], rows);
  const lines = sentences.map((sentence) => `- ${escapeMarkdown(sentence)}`).join('\n');
  return rows.length === 0 ? lines : `${lines}\n\n${table}`;
}

function because({ why }: FleetAgent): string {
  return why === '' ? '' : `: ${clip(unended(why), 90)}`;
}

/** One line without its full stop, to go on from. */
const unended = (text: string): string => oneLine(text).replace(/\.+$/, '');
