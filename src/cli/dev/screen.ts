import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ChangeView, LogLine, StatusView } from '../../control/protocol.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import type { Stage } from '../ports.ts';
import { changeLines, devBanner } from '../text/dev.ts';
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
        const shown = { agent: true, job: true, ...(before === undefined ? {} : { before }) };
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
