import type { CommandResult, Stage } from '../ports.ts';
import { outputWidth } from '../stage.ts';
import type { Look } from '../text/status.ts';
import { frameOf } from '../top/frame.ts';
import { createTopSession } from '../top/session.ts';
import { openTerminal } from '../top/terminal.ts';
import { statusCommand } from './status.ts';

const REFRESH_MS = 1_000;
/** Lines of a busy log come faster than anybody reads. */
const LEAST_BETWEEN_FRAMES_MS = 50;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * The agents, live, with keys to act on them; ends by a key or a signal, and gives the terminal back in every case. Where
 * there is no terminal, or with `--json`, the status is printed once.
 */
export async function topCommand(stage: Stage): Promise<CommandResult | number> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY || stage.json) return statusCommand(stage, []);
  const left = Promise.withResolvers<number>();
  const look = (): Look => ({
    paint: stage.paint,
    clock: { ...stage.clock, now: stage.time.now() },
    width: outputWidth(stdout, process.env),
  });
  let cancelFrame: (() => void) | undefined;
  const draw = () => {
    cancelFrame = undefined;
    try {
      terminal.show(frameOf(session.model(), look(), terminal.size().rows));
    } catch (thrown) {
      // Thrown in a timer, the failure would be shown on a screen that is taken away.
      left.reject(thrown);
    }
  };
  const drawSoon = () => {
    cancelFrame ??= stage.time.after(LEAST_BETWEEN_FRAMES_MS, draw);
  };
  const session = createTopSession(stage, look, drawSoon);
  const terminal = openTerminal({
    input: stdin,
    output: stdout,
    resized: draw,
    gone: () => left.resolve(SIGNALS.SIGHUP),
    key(name) {
      session.press(name).then((goesOn) => goesOn || left.resolve(0), left.reject);
    },
  });
  const bySignal = (signal: keyof typeof SIGNALS) => left.resolve(SIGNALS[signal]);
  for (const signal of Object.keys(SIGNALS)) process.on(signal, bySignal);
  let isOver = false;
  const turning = turn();
  turning.catch(left.reject);
  try {
    return await left.promise;
  } finally {
    isOver = true;
    cancelFrame?.();
    for (const signal of Object.keys(SIGNALS)) process.off(signal, bySignal);
    session.close();
    terminal.restore();
  }

  async function turn(): Promise<void> {
    while (!isOver) {
      await session.refresh();
      if (isOver) return;
      draw();
      await new Promise<void>((resolve) => stage.time.after(REFRESH_MS, resolve));
    }
  }
}
