import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addLine, dayBefore, type ErrorHistory, findingsOf, pruneHistory } from '../../plugins/lib/log-history.ts';
import logAnalysis from '../../plugins/log-analysis.ts';
import { compressLogFile } from '../../src/telemetry/log-compression.ts';
import { runPlugin, tempFolder } from './context.ts';

const line = (day: string, msg: string, level = 'error', agent = 'shop') =>
  JSON.stringify({ level, time: `${day}T11:00:00.000Z`, agent, msg });
const TODAY = new Date().toISOString().slice(0, 10);
const before = (days: number) => dayBefore(TODAY, days);

it('tells what is new, and what came more often than in the week before', () => {
  const history: ErrorHistory = {};
  for (let days = 2; days <= 8; days++)
    for (let n = 0; n < days; n++) addLine(history, line(before(days), `order ${n}${days} has no price`));
  for (let n = 0; n < 40; n++) addLine(history, line(before(1), `order ${n} has no price`));
  addLine(history, line(before(1), '… 12,411 more like this: the till is locked', 'warn'));
  addLine(history, line(before(1), 'fine', 'info'));
  addLine(history, '{"level":"error","time":');
  const { fresh, rising, errors } = findingsOf(history, before(1));
  expect(errors).toBe(40);
  expect(fresh).toMatchObject([
    { from: 'shop', level: 'warn', message: 'the till is locked', count: 12_411, usual: 0 },
  ]);
  expect(rising).toMatchObject([{ message: 'order 39 has no price', count: 40, usual: 5 }]);
});

it('a history keeps eight days and 300 forms, the most frequent', () => {
  const days = fc.record({ days: fc.nat(20), word: fc.integer({ min: 0, max: 600 }), times: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(days, { maxLength: 700 }), (list) => {
      const history: ErrorHistory = {};
      for (const { days: ago, word, times } of list)
        for (let n = 0; n <= times; n++) addLine(history, line(before(ago), 'x'.repeat(word)));
      const kept = pruneHistory(history, TODAY);
      expect(Object.keys(kept).length).toBeLessThanOrEqual(300);
      for (const form of Object.values(kept))
        for (const day of Object.keys(form.days)) expect(day > before(8)).toBe(true);
    }),
    { numRuns: 20 },
  );
});

it('reads whole days once, out of compressed files too', async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'logs'));
  const put = (name: string, lines: string[]) => writeFileSync(join(folder, 'logs', name), `${lines.join('\n')}\n`);
  put('daruma.1.log', [line(before(3), 'old'), line(before(1), 'new of shop 7'), line(before(1), 'old')]);
  put('daruma.2.log', [line(before(1), 'new of shop 8'), line(TODAY, 'of today')]);
  const first = join(folder, 'logs/daruma.1.log');
  utimesSync(first, new Date(), new Date(Date.now() - 60_000));
  await compressLogFile(first, () => false);
  const states = new Map<string, unknown>();
  for (let times = 0; times < 2; times++) {
    const { result, summary } = await runPlugin(logAnalysis, { folder, states });
    expect(result).toMatchObject({
      day: before(1),
      errors: 3,
      new: [{ message: 'new of shop 8', count: 2 }],
      rising: [],
    });
    expect(summary).toContain(`${before(1)}: 3 errors, 1 new, 0 more often than usual.`);
  }
});
