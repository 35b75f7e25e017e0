import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lineFilter } from '../../src/control/log-files.ts';
import { createLogTail } from '../../src/web/log-tail.ts';
import { Clock } from '../clock.ts';

let folder: string;
let time: Clock;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-log-tail-'));
  time = new Clock();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (day: string) => join(folder, `daruma.2026-11-${day}.1.log`);
const line = (fields: object) =>
  `${JSON.stringify({ time: '2026-11-22T12:00:00.000Z', level: 'info', msg: 'a line', ...fields })}\n`;

it('tells each follower of the lines that it wants, once a second, also across files', async () => {
  writeFileSync(file('22'), line({ agent: 'old' }));
  const tail = createLogTail({ time, folder });
  const told = { a: 0, errors: 0, text: 0 };
  const ends = [
    tail.follow(lineFilter({ agent: 'a', level: 'debug' }), () => told.a++),
    tail.follow(lineFilter({ level: 'error' }), () => told.errors++),
    tail.follow(lineFilter({ level: 'debug', text: 'SHOP' }), () => told.text++),
  ];
  await time.pass(3_000);
  expect(told).toEqual({ a: 0, errors: 0, text: 0 });
  appendFileSync(file('22'), line({ agent: 'a' }) + line({ agent: 'a' }));
  await time.pass(1_000);
  expect(told).toEqual({ a: 1, errors: 0, text: 0 });
  // The first half of a line is no line yet.
  const [half, rest] = [
    line({ level: 'error', msg: 'the shop said no' }).slice(0, 40),
    line({ level: 'error', msg: 'the shop said no' }).slice(40),
  ];
  appendFileSync(file('22'), half);
  await time.pass(1_000);
  expect(told).toEqual({ a: 1, errors: 0, text: 0 });
  appendFileSync(file('22'), rest);
  await time.pass(1_000);
  expect(told).toEqual({ a: 1, errors: 1, text: 1 });
  writeFileSync(file('23'), line({ agent: 'a' }));
  await time.pass(1_000);
  expect(told).toEqual({ a: 2, errors: 1, text: 1 });
  appendFileSync(file('23'), line({ msg: 'x'.repeat(300_000) }));
  await time.pass(1_000);
  expect(told).toEqual({ a: 3, errors: 2, text: 2 });
  for (const end of ends) end();
  expect(time.timers()).toBe(0);
});

it('goes on where the folder is not there yet, and reads nothing while nobody follows', async () => {
  rmSync(folder, { recursive: true });
  const tail = createLogTail({ time, folder });
  expect(time.timers()).toBe(0);
  let told = 0;
  const end = tail.follow(lineFilter({ level: 'debug' }), () => told++);
  await time.pass(2_000);
  folder = mkdtempSync(join(tmpdir(), 'daruma-log-tail-'));
  expect(told).toBe(0);
  end();
  expect(time.timers()).toBe(0);
});
