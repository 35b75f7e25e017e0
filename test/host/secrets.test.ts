import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findSecret, findSecrets } from '../../src/host/secrets.ts';
import { Fault } from '../../src/kernel/fault.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string) {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function faultOf(act: () => unknown): Fault {
  try {
    act();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('a secret', () => {
  it('is the credential of systemd, else a file that is named, else a variable', () => {
    const named = file('named', 'from a file\r\n');
    file('TOKEN', 'from systemd\n');
    const all = { CREDENTIALS_DIRECTORY: folder, TOKEN_FILE: named, TOKEN: 'from a variable' };
    expect(findSecret('TOKEN', all)).toBe('from systemd');
    rmSync(join(folder, 'TOKEN'));
    expect(findSecret('TOKEN', all)).toBe('from a file');
    rmSync(named);
    expect(findSecret('TOKEN', all)).toBe('from a variable');
    expect(findSecret('TOKEN', {})).toBeUndefined();
    expect(findSecrets('shop', ['TOKEN'], all)).toEqual({ TOKEN: 'from a variable' });
  });

  it('that is nowhere tells where it may be put', () => {
    expect(faultOf(() => findSecrets('shop', ['TOKEN'], {})).plain).toMatchObject({
      code: 'SECRET_MISSING',
      message: 'shop needs the secret TOKEN, which is nowhere to be found',
    });
  });

  it.each([
    // A folder is what root cannot read either.
    ['the credential', () => ({ CREDENTIALS_DIRECTORY: folder })],
    ['the named file', () => ({ TOKEN_FILE: join(folder, 'TOKEN') })],
  ])('of which %s is there but cannot be read fails its agent with the place, and nobody who only asks', (_, env) => {
    mkdirSync(join(folder, 'TOKEN'));
    const at = { ...env(), TOKEN: 'not the one that was meant' };
    expect(faultOf(() => findSecrets('shop', ['TOKEN'], at)).plain).toMatchObject({
      code: 'SECRET_UNREADABLE',
      message: expect.stringContaining('shop needs the secret TOKEN, whose file cannot be read: EISDIR'),
      next: expect.stringContaining(join(folder, 'TOKEN')),
    });
    expect(findSecret('TOKEN', at)).toBeUndefined();
  });
});
