import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ChangeView, LogLine, StatusView } from '../../control/protocol.ts';
import { shortTime } from '../../kernel/clock.ts';
import { given } from '../../kernel/given.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';
import { logLines, logTime } from '../text/log.ts';
import type { Look } from '../text/status.ts';

/** The output of `daruma dev`, in one order; with `--json` each item is a line of JSON. */
export interface Screen {
  banner(status: StatusView, tookMs: number, keys: string[]): void;
  change(change: ChangeView): void;
  log(line: LogLine): void;
  /** Lines for people only. */
  say(...lines: string[]): void;
  /** Shows the next level after this one, and says which. */
  nextLevel(): LogLevel;
  look(): Look;
  /** Keeps back what comes until it is let go, so that a question stays readable. */
  hold(): () => void;
}

/** `first`: the lowest level of the log that is shown at first. */
export function createScreen(stage: Stage, first: LogLevel): Screen {
  let level = first;
  let before: number | undefined;
  let held: (() => void)[] | undefined;
  const look = (): Look => ({ ...stage, clock: { ...stage.clock, now: stage.time.now() } });

  function show(draw: () => void) {
    if (held) held.push(draw);
    else draw();
  }
  function print(lines: string[], json?: object, verbatim = false) {
    if (json && stage.json) stage.out(JSON.stringify(json));
    else if (!stage.json) for (const line of lines) stage.out(line, verbatim);
  }
  function isWanted({ level: own, room, agent }: LogLine): boolean {
    if (LOG_LEVELS.indexOf(own) < LOG_LEVELS.indexOf(level)) return false;
    // The catalog's words about files are the answer to the save itself.
    if (room === 'catalog') return own === 'error';
    return agent !== undefined || LOG_LEVELS.indexOf(own) >= LOG_LEVELS.indexOf('warn');
  }

  return {
    banner(status, tookMs, keys) {
      const file = 'config/daruma.yaml';
      const config = existsSync(join(stage.folder, file)) ? `./${file}` : 'defaults';
      print(devBanner(status, { tookMs, keys, config }, look()), { ready: status.host, tookMs });
    },
    change: (change) => show(() => print(changeLines(change, look()), { change })),
    log(line) {
      if (!isWanted(line)) return;
      show(() => {
        const shown = { agent: true, job: true, ...given({ before }) };
        print(logLines(line, look(), shown), { log: line }, true);
        before = logTime(line);
      });
    },
    say: (...lines) => show(() => print(lines)),
    nextLevel() {
      level = LOG_LEVELS[(LOG_LEVELS.indexOf(level) + 1) % LOG_LEVELS.length]!;
      return level;
    },
    look,
    hold() {
      held = [];
      return () => {
        const draws = held ?? [];
        held = undefined;
        for (const draw of draws) draw();
      };
    },
  };
}

/** The number of characters of a version that people need to tell two apart. */
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
