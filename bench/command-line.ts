/**
 * The time that a person waits for the command line: `status` beside `node -e 0`, and a word that a shell completes at Tab.
 * Commands take turns, with those of another build where one is named, so that all meet the same noise.
 *
 *   npm run build && npx tsx bench/command-line.ts [times] [folder of the other checkout, built]
 *
 * Writes bench/results/command-line.json. Shells that are not installed are left out.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineFacts, median } from './machine.ts';

const [times = '20', other] = process.argv.slice(2);
const TIMES = Number(times);
const CHECKOUTS: Record<string, string> = {
  ...(other === undefined ? {} : { before: other }),
  now: join(import.meta.dirname, '..'),
};
const mainOf = (checkout: string) => join(checkout, 'dist/main.js');
const tenths = (ms: number) => Math.round(ms * 10) / 10;

const home = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-bench-')));
const folder = join(home, 'app');
try {
  execFileSync(process.execPath, [mainOf(CHECKOUTS.now!), 'init', folder], { stdio: 'ignore' });
  const host = spawn(process.execPath, [mainOf(CHECKOUTS.now!), 'host', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => host.once('exit', resolve));
  await new Promise<void>((resolve) => {
    let said = '';
    host.stdout.on('data', (text) => {
      said += text;
      if (said.includes('ready in')) resolve();
    });
  });
  try {
    const commands = takeTurns();
    const completions = completionTimes();
    const result = { machine: machineFacts(), unit: 'ms', times: TIMES, commands, completions };
    writeFileSync(join(import.meta.dirname, 'results/command-line.json'), `${JSON.stringify(result, null, 2)}\n`);
    console.table(commands);
    console.table(completions);
  } finally {
    host.kill('SIGTERM');
    await ended;
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}

function figures(took: readonly number[], empty?: number) {
  const middle = median(took);
  const beside = empty === undefined ? {} : { timesNode: Math.round((middle / empty) * 100) / 100 };
  return { median: tenths(middle), least: tenths(Math.min(...took)), ...beside };
}

/** The time from the start of each command to its end. */
function takeTurns() {
  const rows: [name: string, args: string[]][] = [['node -e 0', ['-e', '0']]];
  for (const [when, checkout] of Object.entries(CHECKOUTS)) {
    for (const command of ['status', 'status --json', 'jobs', 'incidents', '--help']) {
      rows.push([`${command}, ${when}`, [mainOf(checkout), ...command.split(' '), '--dir', folder]]);
    }
  }
  const took = new Map(rows.map(([name]) => [name, [] as number[]]));
  for (let turn = 0; turn < TIMES; turn++) {
    for (const [name, args] of rows) {
      const begun = performance.now();
      const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      took.get(name)!.push(performance.now() - begun);
      if (status !== 0 && status !== 3) throw new Error(`${name} ended with ${status}`);
    }
  }
  const empty = median(took.get('node -e 0')!);
  return Object.fromEntries([...took].map(([name, ms]) => [name, figures(ms, empty)]));
}

/** The milliseconds of each `daruma run a<Tab>` in the shells that are installed, by the shell's own clock. */
function completionTimes() {
  const took = {
    bash: () => {
      const [a, b] = ['a', 'b'].map((name) => `\${${name}/./}`);
      const clock = { before: 'a=$EPOCHREALTIME', after: `b=$EPOCHREALTIME; echo $(( ${b} - ${a} ))` };
      const words = 'COMP_WORDS=(daruma run a); COMP_CWORD=2';
      return inShell(['bash', '--norc', '-c'], words, '_daruma 2>/dev/null', clock).map((us) => us / 1_000);
    },
    zsh: inZsh,
    fish: () => {
      const clock = { before: 'set a (date +%s%N)', after: 'math (date +%s%N) - $a' };
      const ask = "complete -C 'daruma run a' >/dev/null";
      return inShell(['fish', '--no-config', '-c'], 'true', ask, clock).map((ns) => ns / 1_000_000);
    },
  };
  const there = Object.entries(took).filter(([shell]) => spawnSync(shell, ['-c', 'true']).status === 0);
  return Object.fromEntries(there.map(([shell, ask]) => [shell, figures(ask())]));
}

function scriptFor(shell: string): string {
  return execFileSync(process.execPath, [mainOf(CHECKOUTS.now!), 'completion', shell], {
    cwd: folder,
    encoding: 'utf8',
  });
}

function inShell(
  [shell, ...flags]: string[],
  first: string,
  ask: string,
  { before, after }: Record<'before' | 'after', string>,
): number[] {
  const turns = Array.from({ length: TIMES }, () => [before, ask, after]).flat();
  const code = [scriptFor(shell!), first, ...turns].join('\n');
  const env = { ...process.env, HOME: home };
  return numbers(execFileSync(shell!, [...flags, code], { cwd: folder, encoding: 'utf8', env }));
}

/** Zsh completes only in its line editor: it runs in a terminal of its own, from the Tab until the word stands there. */
function inZsh(): number[] {
  const file = join(home, 'completion.zsh');
  writeFileSync(file, scriptFor('zsh'));
  const code = `zmodload zsh/zpty; zmodload zsh/datetime; zpty z zsh -f -i
    zpty -w z 'PS1=; autoload -Uz compinit; compinit -D -u; source ${file}; show() { print -r "line=<$BUFFER>"; BUFFER=; zle accept-line }; zle -N show; bindkey "^O" show; echo READY$((1+1))'
    zpty -r z out '*READY2*'
    repeat ${TIMES}; do
      a=$EPOCHREALTIME; zpty -w -n z $'daruma run api\\t\\C-o'; zpty -r z out '*line=<*>*'; echo $(( (EPOCHREALTIME - a) * 1000 ))
    done`;
  return numbers(execFileSync('zsh', ['-f', '-c', code], { cwd: folder, encoding: 'utf8' }));
}

function numbers(text: string): number[] {
  return text.trim().split('\n').map(Number);
}
