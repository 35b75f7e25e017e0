import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { plain } from '../../src/cli/text/paint.ts';
import { widthOf } from '../../src/cli/text/width.ts';
import { frameOf } from '../../src/cli/top/frame.ts';
import {
  chosenAgent,
  EMPTY_MODEL,
  MOST_LOG_LINES,
  pressed,
  type TopModel,
  withLogLine,
} from '../../src/cli/top/model.ts';
import { type Answers, servedInstallation } from './fake-host.ts';
import { agent, clock, job, status } from './views.ts';

const look = { paint: plain, clock, width: 90 };
const names = ['api-health', 'backup', 'price-watch'];
const three: TopModel = { ...EMPTY_MODEL, status: status({ agents: names.map((name) => agent({ name })) }) };
const line = (msg: string) => ({ time: '2026-11-22T11:04:00.000Z', level: 'info', msg, agent: 'backup' }) as never;
const withKeys = (model: TopModel, ...keys: string[]) => keys.reduce((one, key) => pressed(one, key).model, model);

describe('keys', () => {
  test('move the cursor, which stays with its agent when the table changes', () => {
    const moved = withKeys(three, 'j', 'down', 'j');
    expect(chosenAgent(moved)?.name).toBe('price-watch');
    expect(chosenAgent(withKeys(moved, 'k'))?.name).toBe('backup');
    const fewer = {
      ...withKeys(three, 'j'),
      status: status({ agents: [agent({ name: 'a' }), agent({ name: 'backup' })] }),
    };
    expect(chosenAgent(fewer)?.name).toBe('backup');
    expect(chosenAgent({ ...fewer, status: status({ agents: [agent({ name: 'a' })] }) })?.name).toBe('a');
    expect(chosenAgent(withKeys(three, 'end'))?.name).toBe('price-watch');
  });

  test('filter by name, and go back', () => {
    const filtered = withKeys(three, '/', 'p', 'r', 'x', 'backspace', 'return');
    expect(filtered).toMatchObject({ filter: 'pr', view: 'table' });
    expect(chosenAgent(filtered)?.name).toBe('price-watch');
    expect(withKeys(filtered, '/', 'escape')).toMatchObject({ filter: '', view: 'table' });
    // A letter of the filter is no order.
    expect(pressed(withKeys(three, '/'), 'r').order).toBeUndefined();
  });

  test('give orders; q leaves a view first, and Ctrl-C always leaves', () => {
    expect(['r', 'p', 'R', 'a', 'return', 'q'].map((key) => pressed(three, key).order)).toEqual([
      ...['run', 'pause', 'restart', 'ack', 'details', 'quit'],
    ]);
    expect(pressed(withKeys(three, '?'), 'q')).toEqual({ model: { ...three, view: 'table' } });
    expect(pressed(withKeys(three, '/'), 'ctrl-c').order).toBe('quit');
    expect(pressed(three, 'x')).toEqual({ model: three });
  });

  test('log lines are bounded', () => {
    let model = three;
    for (let at = 0; at < MOST_LOG_LINES + 50; at++) model = withLogLine(model, line(`line ${at}`));
    expect(model.logs).toHaveLength(MOST_LOG_LINES);
  });
});

describe('a frame', () => {
  test.each([
    [24, 100],
    [20, 90],
    [12, 60],
    [5, 40],
    [1, 40],
  ])('has exactly %i rows, none wider than %i places, in every view', (rows, width) => {
    const agents = Array.from({ length: 40 }, (_, at) => agent({ name: `agent-with-a-rather-long-name-${at}` }));
    const full = { ...three, status: status({ agents }), logs: [line('x'.repeat(300))], details: ['y'.repeat(300)] };
    for (const view of ['table', 'filter', 'details', 'logs', 'help'] as const) {
      const lines = frameOf({ ...full, view }, { ...look, width }, rows);
      expect(lines).toHaveLength(rows);
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
    }
  });

  test('shows the cursor by a sign, the last eight log lines below, and agents around the cursor', () => {
    const logs = Array.from({ length: 30 }, (_, at) => line(`line ${at}`));
    const text = frameOf({ ...withKeys(three, 'j'), logs }, look, 24).join('\n');
    expect(text).toMatch(/\n {2}✓ {2}api-health[^\n]*\n▸ ✓ {2}backup/);
    expect(text).not.toContain('line 21');
    expect(text).toMatch(/── log of backup[\s\S]*line 22[\s\S]*line 29/);
    const agents = Array.from({ length: 40 }, (_, at) => agent({ name: `agent-${at}` }));
    const low = frameOf({ ...three, status: status({ agents }), chosen: 'agent-35' }, look, 20).join('\n');
    expect(low).toMatch(/▸ ✓ {2}agent-35/);
    expect(low).not.toContain('agent-2 ');
  });
});

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const LEAVE = '\u001b[?25h\u001b[?1049l';

/** A program in a terminal of its own, which `script` makes. */
function inTerminal(folder: string, env: Record<string, string> = {}) {
  const command = `stty rows 20 cols 90; exec '${process.execPath}' '${MAIN}' top`;
  const child: ChildProcess = spawn('script', ['-qfec', command, '/dev/null'], {
    cwd: folder,
    env: { ...process.env, TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let out = '';
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    wake();
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      resolve(code);
      wake();
    });
  });
  const screen = () =>
    stripVTControlCharacters(out.split('\u001b[?2026h\u001b[H').at(-1)!.split('\u001b[?2026l')[0]!).replaceAll(
      '\r',
      '',
    );
  return {
    child,
    ended,
    out: () => out,
    press: (keys: string) => child.stdin!.write(keys),
    /** Resolves when the screen is as wanted. */
    shows: (wanted: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const now = screen();
          if (!wanted.test(now) && child.exitCode === null) return;
          waiting.delete(look);
          if (wanted.test(now)) resolve(now);
          else reject(new Error(`ended without ${wanted}:\n${now}`));
        };
        waiting.add(look);
        look();
      }),
    /** The process of the program itself, below `script`. */
    async pid() {
      const { readFile } = await import('node:fs/promises');
      return Number(await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
    },
  };
}

describe('in a terminal', () => {
  const { folder, serve, asked, closeHost } = servedInstallation();
  let running: ReturnType<typeof inTerminal> | undefined;
  afterEach(async () => {
    running?.child.kill('SIGKILL');
    await running?.ended;
  });

  function answers(over: Answers = {}): Answers {
    return {
      status: () => status({ agents: names.map((name) => agent({ name })) }),
      logs: ({ agent }) => [line(`last words of ${agent}`)],
      follow: () => new Promise(() => {}),
      run: () => job({ id: 'job-b07' }) as never,
      ...over,
    };
  }

  test('keys act, the screen follows its size, a host that goes away is told and comes back; q gives all back', async () => {
    await serve(answers());
    running = inTerminal(folder(), { NO_COLOR: '1' });
    await running.shows(/▸ ✓ {2}api-health[\s\S]*last words of api-health/);
    running.press('j');
    await running.shows(/▸ ✓ {2}backup[\s\S]*last words of backup/);
    running.press('r');
    await running.shows(/job-b07 of backup is in the queue/);
    expect(asked().filter(({ op }) => op === 'run')).toEqual([{ op: 'run', args: { agent: 'backup' } }]);
    const stty = spawn('stty', ['-F', readlinkSync(`/proc/${await running.pid()}/fd/0`), 'rows', '12', 'cols', '50']);
    await new Promise((resolve) => stty.once('close', resolve));
    const small = await running.shows(/^(?:.{0,50}\n){11}.{0,50}$/);
    expect(small).toContain('▸ ✓  backup');
    await closeHost();
    await running.shows(/✗ the host .* waiting for it since/);
    await serve(answers());
    await running.shows(/^daruma 0\.1\.0/);
    // NO_COLOR: the only sequences move the cursor and take the screen.
    expect(running.out()).not.toContain('\u001b[3');
    running.press('q');
    expect(await running.ended).toBe(0);
    expect(running.out().endsWith(LEAVE)).toBe(true);
  });

  test.each<[string, (one: ReturnType<typeof inTerminal>) => unknown, number]>([
    ['Ctrl-C', (one) => one.press('\u0003'), 0],
    ['SIGTERM', async (one) => process.kill(await one.pid(), 'SIGTERM'), 143],
  ])('%s gives the terminal back', async (_, end, code) => {
    await serve(answers());
    running = inTerminal(folder());
    await running.shows(/▸/);
    await end(running);
    expect(await running.ended).toBe(code);
    expect(running.out().endsWith(LEAVE)).toBe(true);
  });

  test('a failure of the program gives it back before it is told', async () => {
    await serve(answers({ status: () => ({ agents: 'none' }) as never }));
    running = inTerminal(folder());
    expect(await running.ended).toBe(1);
    const [, told] = running.out().split(LEAVE);
    expect(told).toContain('✗');
  });
});
