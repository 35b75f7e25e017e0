import { relative } from 'node:path';
import { locationOf, type PlainFault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Host } from '../host.ts';
import type { HostContext } from '../host-context.ts';

/** Text for a person when the host is up: agents and problems, places, the next commands. `config`: where its settings are. */
export function banner(hostContext: HostContext, tookMs: number, config: string): string {
  const { facts, catalog } = hostContext;
  const listings = catalog.listings();
  const live = listings.filter(({ is }) => is === 'live').map(({ name }) => name);
  const idle = listings.filter(({ is }) => is === 'idle').map(({ name }) => name);
  const problems = [
    ...hostContext.warnings(),
    ...hostContext.setup.problems(hostContext.placements),
    ...catalog.problems(),
  ];
  const notes = [...catalog.notes(), ...hostContext.setup.notes()];
  const place = (path: string) => {
    const inside = relative(facts.folder, path);
    return inside.startsWith('..') ? path : `./${inside}`;
  };
  const lines = [
    '',
    `  daruma ${facts.version}   ready in ${formatDuration(tookMs)}   pid ${facts.pid}`,
    '',
    `  agents     ${live.length} at work${live.length ? `: ${wrapped(live)}` : ''}`,
    ...(idle.length ? [`             ${idle.length} waiting to be sent to: ${wrapped(idle)}`] : []),
    ...problems.flatMap((problem) => problemLines(problem)),
    ...notes.flatMap((note) => problemLines(note, '·')),
    ...pageLines(hostContext),
    `  folder     ${facts.folder}`,
    `  store      ${place(facts.store.file)}     logs ${place(facts.logFolder)}     config ${config}`,
    '',
    `  next       ${next(live)}`,
    // A journal has no keyboard.
    ...(facts.watchedBy === 'systemd' ? [] : ['             Ctrl-C stops; what runs is finished first']),
    '',
  ];
  return lines.join('\n');
}

/** Where the page is, and that its port is another one where the first was taken. */
function pageLines({ web, settings }: HostContext): string[] {
  const page = web.view();
  if (!page) return [];
  const { port, origin } = settings.web;
  const isElsewhere = origin === undefined && port !== 0 && new URL(page.url).port !== String(port);
  return [`  dashboard  ${page.url}${isElsewhere ? ` (port ${port} is taken)` : ''}   daruma open`];
}

/** Commands that can be pasted: they name an agent that is there. */
function next([first]: string[]): string {
  const run = first === undefined ? [] : [`daruma run ${first} --wait`];
  return ['daruma status', ...run, 'daruma logs -f', 'drop a .ts file into plugins/'].join(' · ');
}

/** Text for a person while plugins are compiled for the first time: plugins, places, the next commands. */
export function firstWords(found: {
  folder: string;
  version: string;
  plugins: string[];
  store: string;
  logs: string;
  config: string;
}): string {
  return [
    '',
    `  daruma ${found.version}   starting: ${found.plugins.length} plugins found, compiling what is new`,
    '',
    `  plugins    ${wrapped(found.plugins)}`,
    `  folder     ${found.folder}`,
    `  store      ${found.store}     logs ${found.logs}     config ${found.config}`,
    '  next       daruma status · daruma logs -f, in another terminal',
  ].join('\n');
}

/** Text of a host that takes the place of a lost one, instead of the banner. */
export function backLine({ facts, warnings }: HostContext, tookMs: number): string {
  return [
    `✓ the host is back: pid ${facts.pid}, ready in ${formatDuration(tookMs)}`,
    ...warnings().flatMap((warning) => problemLines(warning)),
  ].join('\n');
}

/** A rejected file, with its place and what to do. */
export function problemLines(problem: PlainFault, sign = '✗'): string[] {
  const place = locationOf(problem);
  return [
    `  ${sign} ${place ? `${place}  ` : ''}${problem.message}`,
    ...(problem.frame ? problem.frame.split('\n').map((line) => `      ${line}`) : []),
    ...(problem.next ? [`      → ${problem.next}`] : []),
  ];
}

function wrapped(names: string[]): string {
  const width = 80;
  const lines = [''];
  for (const [index, name] of names.entries()) {
    const text = index < names.length - 1 ? `${name}, ` : name;
    if (lines.at(-1)!.length + text.length > width) lines.push('');
    lines.push(lines.pop()! + text);
  }
  return lines.map((line) => line.trimEnd()).join(`\n${' '.repeat(13)}`);
}

/** The one line of JSON of a host that works. */
export function readyLine({ hostContext }: Host) {
  const { facts, catalog } = hostContext;
  return {
    pid: facts.pid,
    version: facts.version,
    startedAt: isoOf(facts.startedAt),
    folder: facts.folder,
    socket: facts.socket,
    store: facts.store.file,
    logs: facts.logFolder,
    agents: [...catalog.agents().keys()].sort(),
    problems: catalog.problems(),
  };
}
