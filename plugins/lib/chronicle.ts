import type { FleetReport } from 'daruma';
import type { Period } from './days.ts';
import type { Post } from './post.ts';
import { figuresLine } from './report-words.ts';
import { escapeMarkdown, oneLine } from './text.ts';
import { showMany, showMs } from './units.ts';

/** The events of a period, as sentences, and where each of them is from. */
export interface Chronicle {
  title: string;
  /** One sentence each; plain text that programs wrote in part. */
  facts: string[];
  /** Markdown: an incident, a job or an agent, with the command or the page that shows it. */
  sources: string[];
}

/** Facts of each kind, at most. */
const MOST = 12;

export function chronicleOf(report: FleetReport, period: Period): Chronicle {
  const { healed, failures, versions, page } = report;
  const shown = (id: string, kind: 'incidents' | 'jobs') =>
    page === null ? `\`daruma ${kind} ${id}\`` : `[${id}](${page}/${kind}/${id})`;
  const incidents = healed.slice(0, MOST);
  const lost = failures.slice(0, MOST);
  const open = openIn(report, period).slice(0, MOST);
  return {
    title: titleOf(report, period),
    facts: [
      `${period.title}: ${figuresLine(report)}`,
      ...incidents.map(
        ({ incident, agent, seen, done, tookMs }) =>
          `${incident}: ${agent ?? 'the host'} had ${unended(seen)}; healed in ${showMs(tookMs)} by ${unended(done)}.`,
      ),
      ...open.map(
        ({ incident, agent, text }) => `${incident}: ${agent ?? 'the host'} still needs a person: ${unended(text)}.`,
      ),
      ...lost.map(({ job, agent, error }) => `${job}: ${agent} failed for good: ${unended(error)}.`),
      ...versions.slice(0, MOST).map(({ text }) => `${unended(text)}.`),
    ],
    sources: [
      ...incidents.map(({ incident, at }) => `${shown(incident, 'incidents')}, opened ${at}`),
      ...open.map(
        ({ incident, since }) => `${shown(incident!, 'incidents')}, open since ${since ?? 'an unknown time'}`,
      ),
      ...lost.map(({ job, at }) => `${shown(job, 'jobs')}, ended ${at}`),
      `\`daruma report --since ${daysOf(period)}d\`: the figures`,
    ],
  };
}

/** The draft: the words that were found for it, else the facts; its sources in any case. */
export function draftOf(
  { title, facts, sources }: Chronicle,
  words: { title: string; body: string; by: string } | null,
): Post & { title: string; markdown: string } {
  const heading = oneLine(words?.title ?? title);
  const body = words?.body.trim() ?? facts.map((fact) => `- ${escapeMarkdown(fact)}`).join('\n');
  const by =
    words === null
      ? 'Written from the figures, without a model.'
      : `Worded by ${words.by}; read it before you publish it.`;
  const list = sources.map((source) => `- ${source}`).join('\n');
  return {
    title: heading,
    text: facts[0]!,
    markdown: `# ${escapeMarkdown(heading)}\n\n${body}\n\n## Sources\n\n${list}\n\n_${escapeMarkdown(by)}_\n`,
  };
}

/** Incidents that are open now and were opened before the period's end. */
function openIn({ needs }: FleetReport, { to }: Period): FleetReport['needs'] {
  const end = Date.parse(to);
  return needs.filter(({ incident, since }) => incident !== null && (since === null || Date.parse(since) < end));
}

function titleOf(report: FleetReport, period: Period): string {
  const { healed } = report;
  const open = openIn(report, period).length;
  const left = open === 0 ? 'nothing is left open' : `${showMany(open, 'incident')} left open`;
  return `${period.title}: ${showMany(healed.length, 'incident')} healed without a person, ${left}`;
}

const daysOf = ({ from, to }: Period) => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
const unended = (text: string): string => oneLine(text).replace(/\.+$/, '');
