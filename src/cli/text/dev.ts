import { relative } from 'node:path';
import type { ChangeView, StatusView } from '../../control/protocol.ts';
import { formatDuration } from '../../kernel/units.ts';
import { shortTime } from './clock.ts';
import { faultLines } from './fault.ts';
import type { Look } from './status.ts';
import { oneLine } from './width.ts';

/** As many characters of a version as people need to tell two apart. */
const SHORT_VERSION = 4;

/** Lines for a person when `daruma dev` is up. `config`: where the host's settings are. */
export function devBanner(
  status: StatusView,
  { tookMs, keys, config }: { tookMs: number; keys: string[]; config: string },
  { paint }: Look,
): string[] {
  const { host, agents, problems, edge } = status;
  if (!host) return [];
  const inside = (path: string) => {
    const place = relative(host.folder, path);
    return place.startsWith('..') ? path : `./${place}`;
  };
  const loaded = agents.filter(({ version }) => version !== null).length;
  const bad = problems.length > 0 ? `   ${problems.length} with problems` : '';
  return [
    '',
    `  ${paint('bold', `daruma ${host.version}`)}   ready in ${formatDuration(tookMs)}   pid ${host.pid}`,
    '',
    `  agents     ${loaded} loaded${bad}`,
    ...(edge ? [`  dashboard  ${edge.url}`] : []),
    `  store      ${inside(host.store)}     logs ${inside(host.logs)}     config ${config}`,
    '',
    ...problems.flatMap((problem) => faultLines(problem, paint).map((line) => `  ${line}`)),
    ...(keys.length > 0 ? [`  ${keys.join('   ')}`, ''] : []),
  ];
}

/** The answer to a save: `↻ price-watch version 77ab loaded in 230ms · next 12:10`, or what is wrong and what runs on. */
export function changeLines(change: ChangeView, { paint, clock }: Look): string[] {
  const { file, is, version, problem, tookMs, agents, nextSlot } = change;
  const short = version?.slice(0, SHORT_VERSION);
  if (is === 'removed') return [`${paint('dim', '–')} ${oneLine(file)} removed`];
  if (is === 'rejected' && problem) {
    const rest = short ? `still running version ${short}` : 'nothing of it runs yet';
    return [...faultLines(problem, paint), `  ${paint('yellow', rest)}`];
  }
  const took = tookMs === null ? '' : ` in ${formatDuration(tookMs)}`;
  const name = file.replace(/^.*\//, '').replace(/\.[^.]*$/, '');
  const what = file.startsWith('agents/') ? file : short ? `version ${short}` : file;
  const words = [
    `${paint('green', '↻')} ${paint('bold', oneLine(name))} ${oneLine(what)} loaded${took}`,
    ...(agents.length > 1 ? [`${agents.length} agents`] : []),
    nextSlot ? `next ${shortTime(Date.parse(nextSlot), clock)}` : 'it runs when asked to',
  ];
  return [words.join(' · ')];
}
