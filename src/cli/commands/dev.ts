import { isHostAway } from '../connection.ts';
import { startDevHost } from '../dev/host.ts';
import { createKeyboard, listenForKeys } from '../dev/keyboard.ts';
import { createScreen } from '../dev/screen.ts';
import type { Stage } from '../ports.ts';

/** The lowest level of the log that this terminal shows. */
const FIRST_LEVEL = 'info';

/**
 * Runs a host as long as this command runs, with its log in the terminal, one answer to each saved file, and keys for
 * frequent commands. The command is a client like any other; the host notices only its end.
 */
export async function devCommand(stage: Stage): Promise<number> {
  const begun = stage.time.monotonic();
  const host = await startDevHost(stage);
  const screen = createScreen(stage, FIRST_LEVEL);
  let keys: { close(): void } | undefined;
  const quit = () => {
    if (host.stop()) screen.say('  stopping: running jobs are finished first; once more ends them at once');
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, quit);
  try {
    const client = await stage.connect();
    const ended = [
      client.ask('changes', {}, (item) => screen.change(item)),
      client.ask('follow', { level: 'debug' }, (item) => screen.log(item)),
    ];
    const status = await client.ask('status', {});
    const keyboard = createKeyboard({ stage, client, screen, quit });
    screen.banner(status, stage.time.monotonic() - begun, process.stdin.isTTY ? keyboard.keys(status) : []);
    if (process.stdin.isTTY) keys = listenForKeys(process.stdin, keyboard.press);
    for (const one of ended) one.catch(unlessAway);
    const { asked, how } = await host.ended;
    if (asked) screen.say(`${stage.paint('green', '✓')} stopped`);
    else stage.note(`${stage.paintNote('red', '✗')} the host ${how}\n  ${stage.paintNote('cyan', '→')} daruma logs`);
    return asked ? 0 : 1;
  } finally {
    keys?.close();
    for (const signal of signals) process.off(signal, quit);
    host.kill();
    await host.ended;
  }
}

function unlessAway(thrown: unknown): void {
  if (!isHostAway(thrown)) throw thrown;
}
