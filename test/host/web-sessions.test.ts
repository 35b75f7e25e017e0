import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSessions } from '../../src/host/web/sessions.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { Clock } from '../clock.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let folder: string;
let time: Clock;
let changes = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-sessions-'));
  time = new Clock();
  changes = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, 'web/sessions.json');
const open = () => createSessions({ time, log: silentLog, file: file(), changed: () => void changes++ });

it('signs one browser in with a link, once, within five minutes', async () => {
  const sessions = open();
  const { code } = sessions.invite('operator');
  const { cookie, session } = sessions.signIn(code);
  expect(session.role).toBe('operator');
  expect(sessions.of(cookie)).toEqual(session);
  expect(() => sessions.signIn(code)).toThrow(expect.objectContaining({ code: 'LINK_WRONG' }));
  const late = sessions.invite('reader').code;
  await time.pass(5 * MINUTE);
  expect(() => sessions.signIn(late)).toThrow(expect.objectContaining({ code: 'LINK_WRONG' }));
  expect(() => sessions.signIn('')).toThrow(expect.objectContaining({ code: 'LINK_WRONG' }));
});

it('keeps hashes alone, for this user alone, and knows them in the next host', () => {
  const { cookie } = (() => {
    const sessions = open();
    return sessions.signIn(sessions.invite('reader').code);
  })();
  const text = readFileSync(file(), 'utf8');
  expect(text).not.toContain(cookie);
  expect(text).toContain(createHash('sha256').update(cookie).digest('hex'));
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(open().of(cookie)?.role).toBe('reader');
});

it('ends a session when its browser signs out, and after 14 days', async () => {
  const sessions = open();
  const [one, two] = [
    sessions.signIn(sessions.invite('operator').code),
    sessions.signIn(sessions.invite('reader').code),
  ];
  expect(sessions.signOut(one.cookie)?.hash).toBe(one.session.hash);
  expect(sessions.of(one.cookie)).toBeUndefined();
  expect(sessions.signOut(one.cookie)).toBeUndefined();
  expect(sessions.list()).toEqual([two.session]);
  expect(changes).toBe(3);
  await time.pass(14 * DAY);
  expect(sessions.of(two.cookie)).toBeUndefined();
  expect(sessions.list()).toEqual([]);
});

it('holds a hundred sessions and twenty links, the newest', () => {
  const sessions = open();
  const codes = Array.from({ length: 21 }, () => sessions.invite('reader').code);
  expect(() => sessions.signIn(codes[0]!)).toThrow(expect.objectContaining({ code: 'LINK_WRONG' }));
  const cookies = Array.from({ length: 101 }, () => sessions.signIn(sessions.invite('reader').code).cookie);
  expect(sessions.of(cookies[0]!)).toBeUndefined();
  expect(sessions.of(cookies[1]!)).toBeDefined();
  expect(sessions.list()).toHaveLength(100);
});

it('asks again when the file says what no host wrote', () => {
  const sessions = open();
  const { cookie, session } = sessions.signIn(sessions.invite('reader').code);
  const wrong = [{ ...session, role: 'root' }, { ...session, hash: 'x' }, { ...session, until: '9' }, null, 1];
  for (const text of ['', '[]', '{"format":2,"sessions":[]}', JSON.stringify({ format: 1, sessions: wrong })]) {
    writeFileSync(file(), text);
    expect(open().of(cookie)).toBeUndefined();
    expect(open().list()).toEqual([]);
  }
});
