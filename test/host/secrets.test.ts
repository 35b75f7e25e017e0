import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findSecret, readEnvFile } from '../../src/host/secrets/find.ts';
import { createSecrets, type Secrets, viewSecrets } from '../../src/host/secrets/secrets.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import type { Fault } from '../../src/kernel/fault.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string, mode = 0o600) {
  writeFileSync(join(folder, name), text, { mode });
  chmodSync(join(folder, name), mode);
  return join(folder, name);
}

const look = (name: string, env: NodeJS.ProcessEnv, said: Record<string, string> = {}) =>
  findSecret(name, { env, envFile: { values: new Map(Object.entries(said)) } });

describe('a secret', () => {
  it('is the credential of systemd, else a file that is named, else a variable, else in .env', () => {
    const named = file('named', 'from a file\r\n');
    file('TOKEN', 'from systemd\n');
    const all = { CREDENTIALS_DIRECTORY: folder, TOKEN_FILE: named, TOKEN: 'from a variable' };
    const inFile = { TOKEN: 'from .env' };
    expect(look('TOKEN', all, inFile)).toMatchObject({ value: 'from systemd' });
    rmSync(join(folder, 'TOKEN'));
    expect(look('TOKEN', all, inFile)).toMatchObject({ value: 'from a file', where: `TOKEN_FILE (${named})` });
    expect(look('TOKEN', {}, { ...inFile, TOKEN_FILE: named })).toMatchObject({ value: 'from a file' });
    rmSync(named);
    expect(look('TOKEN', all, inFile)).toMatchObject({ value: 'from a variable', where: 'the environment' });
    expect(look('TOKEN', {}, inFile)).toMatchObject({ value: 'from .env', where: '.env' });
    expect(look('TOKEN', {})).toEqual({ is: 'missing', why: 'it is nowhere to be found' });
  });

  it('that is empty, or whose file is not there, is missing, with the reason', () => {
    expect(look('TOKEN', { TOKEN: '' })).toEqual({ is: 'missing', why: 'it is empty in the environment' });
    expect(look('TOKEN', { TOKEN: '' }, { TOKEN: 'x' })).toMatchObject({ value: 'x' });
    expect(look('TOKEN', { TOKEN_FILE: '/nowhere' })).toEqual({
      is: 'missing',
      why: 'TOKEN_FILE names /nowhere, which is not there',
    });
  });

  it('may have a name that every object has by itself', () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      expect(look(name, process.env), name).toMatchObject({ is: 'missing' });
      expect(look(name, {}, JSON.parse(`{"${name}":"x"}`)), name).toMatchObject({ value: 'x' });
    }
  });

  it.each([
    // A folder is what root cannot read either.
    ['the credential', () => ({ CREDENTIALS_DIRECTORY: folder })],
    ['the named file', () => ({ TOKEN_FILE: join(folder, 'TOKEN') })],
  ])('of which %s is there but cannot be read is not looked for elsewhere', (_, env) => {
    mkdirSync(join(folder, 'TOKEN'));
    expect(look('TOKEN', { ...env(), TOKEN: 'not the one that was meant' })).toMatchObject({
      is: 'unreadable',
      file: join(folder, 'TOKEN'),
      why: expect.stringContaining('EISDIR'),
    });
  });
});

describe('.env', () => {
  it('is read as Node reads it', () => {
    file(
      '.env',
      '# a comment\nA=1\nexport B="two words" # more\nC=\'x#y\'\nD="first\nsecond = no name"\n\nE=`a"b`\nF=\n',
    );
    const { values, problems, notes } = readEnvFile(folder);
    expect(Object.fromEntries(values)).toEqual({
      A: '1',
      B: 'two words',
      C: 'x#y',
      D: 'first\nsecond = no name',
      E: 'a"b',
      F: '',
    });
    expect([...problems, ...notes]).toEqual([]);
  });

  it('tells of lines that mean nothing, without what they hold, and of others who may read it', () => {
    file('.env', 'A=1\nSHOP_TOKEN: hunter2\nhunter3\n', 0o644);
    const { problems, notes } = readEnvFile(folder);
    expect(problems).toMatchObject([
      { code: 'ENV_FILE_LINE', file: '.env', line: 2 },
      { code: 'ENV_FILE_LINE', file: '.env', line: 3 },
    ]);
    expect(JSON.stringify(problems)).not.toContain('hunter');
    expect(notes).toMatchObject([{ code: 'ENV_FILE_OPEN', next: 'chmod 600 .env' }]);
  });

  it('that is not there is none, and one that cannot be read is a problem', () => {
    expect(readEnvFile(folder)).toMatchObject({ isThere: false, problems: [] });
    mkdirSync(join(folder, '.env'));
    expect(readEnvFile(folder)).toMatchObject({ isThere: true, problems: [{ code: 'ENV_FILE_UNREADABLE' }] });
  });
});

describe('the secrets of all agents', () => {
  const agent = (name: string, ...secrets: string[]) => ({ name, needs: { secrets } }) as unknown as Agent;
  let changes: string[][];
  let ticks: (() => void)[];
  let secrets: Secrets;
  beforeEach(() => {
    changes = [];
    ticks = [];
    secrets = createSecrets({
      time: {
        ...machineTime,
        after(ms, call) {
          expect(ms).toBe(10_000);
          ticks.push(call);
          return () => {};
        },
      },
      log: silentLog,
      folder,
      env: { FROM_ENV: 'e' },
      changed: (names) => changes.push([...names]),
    });
  });
  const tick = () => ticks.pop()!();

  it('are looked for again every ten seconds: those that come, go or change are told, and no others', async () => {
    const shop = agent('shop', 'TOKEN', 'FROM_ENV');
    secrets.use([shop, agent('other')]);
    await secrets.start();
    expect(secrets.missing(shop)).toMatchObject({
      code: 'SECRET_MISSING',
      message: expect.stringContaining('shop needs the secret TOKEN'),
    });
    file('.env', 'TOKEN=one\nOTHER=x\n');
    expect(secrets.missing(shop)).toBeDefined();
    tick();
    expect(secrets.values(shop)).toEqual({ TOKEN: 'one', FROM_ENV: 'e' });
    tick();
    file('.env', 'TOKEN=two\n');
    tick();
    expect(secrets.values(shop).TOKEN).toBe('two');
    rmSync(join(folder, '.env'));
    secrets.refresh();
    expect(changes).toEqual([['TOKEN'], ['TOKEN'], ['TOKEN']]);
    expect([...secrets.seen()].sort()).toEqual(['e', 'one', 'two']);
    await secrets.stop();
  });

  it('throws what is missing without a stack of the host', () => {
    const shop = agent('shop', 'TOKEN');
    secrets.use([shop]);
    const thrown = (() => {
      try {
        return secrets.values(shop);
      } catch (error) {
        return error as Fault;
      }
    })() as Fault;
    expect(thrown.plain).toMatchObject({
      code: 'SECRET_MISSING',
      next: expect.stringContaining('write TOKEN=… into .env'),
    });
    expect(thrown.stack).toBeUndefined();
  });

  it('are listed with place and agents, and never with a value', () => {
    file('.env', 'TOKEN=hunter2\nTOKN=hunter3\n');
    secrets.refresh();
    secrets.use([agent('b', 'TOKEN', 'GONE'), agent('a', 'TOKEN')]);
    const view = viewSecrets(secrets.list(), secrets.envFile());
    expect(view).toEqual({
      secrets: [
        { name: 'GONE', where: null, missing: 'it is nowhere to be found', agents: ['b'] },
        { name: 'TOKEN', where: '.env', missing: null, agents: ['a', 'b'] },
      ],
      envFile: { isThere: true, unused: ['TOKN'] },
      problems: [],
      notes: [],
    });
    expect(JSON.stringify(view)).not.toContain('hunter');
  });
});
