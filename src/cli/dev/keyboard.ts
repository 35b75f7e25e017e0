import { spawn } from 'node:child_process';
import { emitKeypressEvents } from 'node:readline';
import { createInterface } from 'node:readline/promises';
import type { ReadStream } from 'node:tty';
import type { ControlClient } from '../../control/client.ts';
import type { StatusView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { LOG_LEVELS } from '../../kernel/log.ts';
import { endLines } from '../commands/run.ts';
import { isHostAway } from '../connection.ts';
import { unknownAgent } from '../given.ts';
import type { Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';
import { incidentTable } from '../text/incident.ts';
import { statusLines } from '../text/status.ts';
import type { Screen } from './screen.ts';

interface KeyboardNeeds {
  stage: Stage;
  client: ControlClient;
  screen: Screen;
  quit(): void;
}

/** The actions of the keys of `daruma dev`. */
interface Keyboard {
  /** `r run an agent`, …: those that there is something to do for. */
  keys(status: StatusView): string[];
  /** Resolves when it is done. An error is shown, and ends nothing. */
  press(key: string): Promise<void>;
}

const MOST_INCIDENTS = 20;

/** The keys of a running `daruma dev`. `quit` is called for `q`; other keys ask the host over `client`. */
export function createKeyboard({ stage, client, screen, quit }: KeyboardNeeds): Keyboard {
  const { paint } = stage;

  async function runAgent() {
    const { agents } = await client.ask('status', {});
    const names = agents.filter(({ version }) => version !== null).map(({ name }) => name);
    const name = names.length === 1 ? names[0]! : await askWhich(names);
    if (!name) return;
    const agent = names.includes(name) ? name : onlyOne(names.filter((one) => one.startsWith(name)));
    if (!agent) throw unknownAgent(name, names);
    const job = await client.ask('run', { agent });
    screen.say(`${paint('cyan', '▸')} ${job.id} of ${agent}`);
    void client.ask('job', { id: job.id, wait: true }).then((end) => screen.say(...endLines(end, stage)), printFault);
  }

  async function askWhich(names: string[]): Promise<string> {
    const release = screen.hold();
    const completer = (text: string): [string[], string] => [names.filter((name) => name.startsWith(text)), text];
    const asking = createInterface({ input: process.stdin, output: process.stdout, completer });
    const left = new AbortController();
    asking.once('SIGINT', () => left.abort());
    try {
      const hint = names.slice(0, 8).join(', ') + (names.length > 8 ? ', …' : '');
      return (await asking.question(`run which agent? (${hint}) `, { signal: left.signal })).trim();
    } catch {
      return '';
    } finally {
      asking.close();
      process.stdin.setRawMode?.(true);
      process.stdin.resume();
      release();
    }
  }

  async function changeLevel() {
    const level = screen.nextLevel();
    const { agents } = await client.ask('status', {});
    // Lines below an agent's own level do not even leave its worker.
    const own = level === 'debug' ? 'debug' : 'info';
    await Promise.all(
      agents.map(({ name, version }) => version && client.ask('level', { agent: name, level: own }).catch(() => {})),
    );
    const next = LOG_LEVELS[(LOG_LEVELS.indexOf(level) + 1) % LOG_LEVELS.length]!;
    screen.say(`log level ${level} (l again: ${next})`);
  }

  async function openPage() {
    const { url } = await client.ask('open', {});
    screen.say(url);
    const opener = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [url], { stdio: 'ignore' });
    opener.on('error', () => {});
    opener.unref();
  }

  const actions: Record<string, () => Promise<void> | void> = {
    r: runAgent,
    s: async () => screen.say('', ...statusLines(await client.ask('status', {}), screen.look()), ''),
    i: async () =>
      screen.say('', ...incidentTable(await client.ask('incidents', { limit: MOST_INCIDENTS }), screen.look()), ''),
    l: changeLevel,
    o: openPage,
    h: async () => {
      const status = await client.ask('status', {});
      const problems = status.problems.flatMap((problem) => faultLines(problem, paint));
      screen.say('', ...problems, ...keysOf(status).map((key) => `  ${key}`), '');
    },
    q: quit,
  };

  function printFault(thrown: unknown) {
    if (isHostAway(thrown)) return;
    if (!(thrown instanceof Fault)) throw thrown;
    screen.say(...faultLines(thrown.plain, paint));
  }

  return {
    keys: keysOf,
    async press(key) {
      try {
        await actions[key]?.();
      } catch (thrown) {
        printFault(thrown);
      }
    },
  };
}

function onlyOne(names: string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}

function keysOf(status: StatusView): string[] {
  const page = status.edge ? ['o open page'] : [];
  return ['r run an agent', 's status', 'i incidents', 'l log level', ...page, 'h help', 'q quit'];
}

/** Hears single keys of a terminal, one after the other: a key is done before the next is looked at. */
export function listenForKeys(input: ReadStream, press: (key: string) => Promise<void>): { close(): void } {
  let busy = false;

  async function receive(text: string | undefined, key: { name?: string; ctrl?: boolean }) {
    // A terminal that is read key by key sends Ctrl-C and Ctrl-D as keys.
    const name = key.ctrl && (key.name === 'c' || key.name === 'd') ? 'q' : (text ?? key.name ?? '');
    if (busy && name !== 'q') return;
    busy = true;
    try {
      await press(name);
    } finally {
      busy = false;
    }
  }

  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', receive);
  input.resume();
  return {
    close() {
      input.off('keypress', receive);
      input.setRawMode(false);
      input.pause();
    },
  };
}
