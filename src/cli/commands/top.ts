import type { CommandResult, Stage } from '../ports.ts';
import type { Look } from '../text/status.ts';
import { outputWidth } from '../text/width.ts';
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
  if (!process.stdin.isTTY || !process.stdout.isTTY || stage.json) return statusCommand(stage, []);
  const left = Promise.withResolvers<number>();
  const signals = Object.entries(SIGNALS).map(([name, code]) => ({ name, end: () => left.resolve(code) }));
  for (const { name, end } of signals) process.on(name, end);
  const screen = openScreen(stage, left);
  try {
    return await left.promise;
  } finally {
    screen.close();
    for (const { name, end } of signals) process.off(name, end);
  }
}

/** Shows the model of a session and turns it each second, until it is closed. */
function openScreen(stage: Stage, left: PromiseWithResolvers<number>): { close(): void } {
  const { stdin: input, stdout: output } = process;
  let isOpen = true;
  let cancelFrame: (() => void) | undefined;
  const look = (): Look => ({
    paint: stage.paint,
    clock: { ...stage.clock, now: stage.time.now() },
    width: outputWidth(output, process.env),
  });

  function draw() {
    cancelFrame?.();
    cancelFrame = undefined;
    try {
      if (isOpen) terminal.show(frameOf(session.model(), look(), terminal.size().rows));
    } catch (thrown) {
      // Thrown in a timer, the failure would be shown on a screen that is taken away.
      left.reject(thrown);
    }
  }

  async function turn(): Promise<void> {
    while (isOpen) {
      await session.refresh();
      draw();
      await new Promise<void>((resolve) => stage.time.after(REFRESH_MS, resolve));
    }
  }

  const session = createTopSession(stage, look, () => {
    cancelFrame ??= stage.time.after(LEAST_BETWEEN_FRAMES_MS, draw);
  });
  const terminal = openTerminal({
    ...{ input, output, resized: draw },
    gone: () => left.resolve(SIGNALS.SIGHUP),
    key(name) {
      session.press(name).then((goesOn) => goesOn || left.resolve(0), left.reject);
    },
  });
  turn().catch(left.reject);
  return {
    close() {
      isOpen = false;
      cancelFrame?.();
      session.close();
      terminal.restore();
    },
  };
}
