import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wantedAt } from '../../src/cli/completion/wanted.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { requiredProgram } from '../programs.ts';
import { fakeHost, temporaryInstallation } from './fake-host.ts';
import { cli } from './process.ts';
import { agent, job, status } from './views.ts';

const program = buildProgram(async () => {});
const wanted = (...words: string[]) => wantedAt(program, words.slice(0, -1), words.at(-1)!);
const wordsAt = (...words: string[]) => {
  const found = wanted(...words);
  return found.is === 'words' ? found.words.map(({ word }) => word) : found;
};

describe('what may follow', () => {
  it('are commands, their second words, options, and values of options', () => {
    expect(wordsAt('')).toEqual(expect.arrayContaining(['status', 'backup', 'completion']));
    expect(wordsAt('')).not.toContain('host');
    expect(wordsAt('--json', '')).toContain('status');
    expect(wordsAt('config', '')).toEqual(['show', 'rollback', 'force']);
    expect(wordsAt('jobs', '--s')).toEqual(expect.arrayContaining(['--state', '--since', '--dir', '--json']));
    expect(wordsAt('jobs', '--state', '')).toContain('dead');
    expect(wordsAt('cancel', '--state', '')).toEqual(['queued', 'retrying', 'running', 'all']);
    expect(wordsAt('demo', '')).toContain('leak');
    expect(wordsAt('level', 'backup', '')).toEqual(['debug', 'info', 'warn', 'error']);
  });

  it('are names of the installation, or files', () => {
    expect(wanted('run', '')).toEqual({ is: 'name', of: ['agent'] });
    expect(wanted('run', '--wait', '')).toEqual({ is: 'name', of: ['agent'] });
    expect(wanted('logs', '-n', '5', '')).toEqual({ is: 'name', of: ['agent'] });
    expect(wanted('jobs', '')).toEqual({ is: 'name', of: ['agent', 'job'] });
    expect(wanted('backup', 'restore', '')).toEqual({ is: 'name', of: ['backup'] });
    expect(wanted('backup', 'restore', 'x.tar.gz', '')).toEqual({ is: 'files' });
    expect(wanted('status', '--dir', '')).toEqual({ is: 'files' });
    expect(wanted('run', 'backup', '')).toEqual({ is: 'nothing' });
  });

  it('is answered whatever was typed', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('jobs', 'config', '--dir', '--', 'constructor', '__proto__', '-n'),
    );
    fc.assert(fc.property(fc.array(word, { minLength: 1 }), (words) => void wanted(...words)));
  });
});

describe('in a shell', () => {
  let folder: string;
  let remove: () => void;
  beforeEach(() => ({ folder, remove } = temporaryInstallation()));
  afterEach(() => remove());

  const scriptFor = async (shell: string) => (await cli(['completion', shell], { cwd: folder })).out;
  const ran = (shell: string, ...args: string[]) =>
    execFileSync(requiredProgram(shell), args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: 20_000,
      env: { ...process.env, HOME: folder },
    });

  /** Two agents, of which no host knows. */
  function writeAgents() {
    writeFileSync(join(folder, 'plugins/price-watch.ts'), '');
    mkdirSync(join(folder, 'agents'));
    writeFileSync(join(folder, 'agents/shop.yaml'), '');
  }

  /** What the script makes of each line, as bash calls it at Tab; a line that ends in a blank begins a new word. */
  async function completed(...lines: string[]): Promise<string[][]> {
    const script = await scriptFor('bash');
    const tries = lines.map((line) => {
      const words = line.split(' ').map((word) => `'${word}'`);
      return `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _daruma; echo "\${COMPREPLY[*]}"`;
    });
    const bash = ['set -u', script, ...tries].join('\n');
    const out = execFileSync('bash', ['--norc', '-c', bash], { cwd: folder, encoding: 'utf8' });
    return out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/\s+/).filter(Boolean));
  }

  it('commands, and names from the host', async () => {
    const host = await fakeHost(folder, {
      ping: () => ({ pid: 1, version: '1', folder }) as never,
      status: () => status({ agents: [agent({ name: 'price-watch' }), agent({ name: 'backup' })] }),
      jobs: () => [job({ id: 'job-7' })],
    });
    // The host lives in this process, which must not stand still while bash runs.
    const script = (await cli(['complete', '--', 'run', 'p'], { cwd: folder })).out;
    const jobs = (await cli(['complete', '--', 'jobs', 'job'], { cwd: folder })).out;
    await host.close();
    expect(script).toBe('price-watch\tFails when the API is slow.\n');
    expect(jobs).toBe('job-7\tapi-health, done\n');
  });

  it('bash: names from the disk while no host runs; files where a folder is wanted', async () => {
    writeAgents();
    expect(
      await completed('daruma stat', 'daruma run p', 'daruma status ', 'daruma --dir plug', 'daruma run x '),
    ).toEqual([['status', 'state'], ['price-watch'], ['shop', 'price-watch'], ['plugins']]);
  });

  it('zsh: the same, as its line editor writes them at Tab', async () => {
    writeAgents();
    writeFileSync(join(folder, 'c.zsh'), await scriptFor('zsh'));
    // A shell in a terminal of its own; Ctrl-O shows its line and ends it.
    const drive = `zmodload zsh/zpty; zpty z $1 -f -i
      zpty -w z 'PS1=; autoload -Uz compinit; compinit -D -u; source c.zsh; show() { print -r "line=<$BUFFER>"; BUFFER=; zle accept-line }; zle -N show; bindkey "^O" show; echo READY$((1+1))'
      zpty -r z out '*READY2*'
      for line in 'daruma comple' 'daruma run pri' 'daruma --dir plug'; do
        zpty -w -n z "$line"$'\\t\\C-o'
        zpty -r z out '*line=<*>*'
        print -r -- "\${\${out##*line=<}%>*}"
      done`;
    expect(ran('zsh', '-f', '-c', drive, 'drive', requiredProgram('zsh')).trimEnd().split('\n')).toEqual([
      'daruma completion ',
      'daruma run price-watch ',
      'daruma --dir plugins/',
    ]);
  });

  it('fish: the same, with what each word is', async () => {
    writeAgents();
    writeFileSync(join(folder, 'c.fish'), await scriptFor('fish'));
    const lines = ['daruma comple', 'daruma run p', 'daruma --dir plug', 'daruma run x '];
    const tries = lines.map((line) => `complete -C '${line}'; echo .`);
    expect(ran('fish', '--no-config', '-c', ['source c.fish', ...tries].join('\n')).split('.\n')).toEqual([
      expect.stringMatching(/^completion\t.*bash.*\n$/),
      'price-watch\n',
      'plugins/\n',
      '',
      '',
    ]);
  });
});
