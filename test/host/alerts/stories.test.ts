import { expect, it } from 'vitest';
import { T0 } from '../../clock.ts';
import { liveStories, rowsOf } from './stories.ts';

const HOUR = 3_600_000;

it('a day of the stories ends with eight alerts, each with its next step, those of a limit two hours ahead of it', async () => {
  const day = await liveStories();
  const titles = day.told.map(({ title }) => title);
  expect(day.alerts, titles.join('\n')).toBeLessThanOrEqual(8);

  const begins = day.told.filter(({ level }) => level === 'warning' || level === 'critical');
  for (const { text } of begins) {
    expect(text).toMatch(/^left to you: \S/m);
    expect(text).toMatch(/^next: (daruma|du) /m);
  }
  const rows = new Map(rowsOf(day).map((row) => [row.name, row]));
  const withLimit = [...rows.values()].filter(({ limitHour }) => limitHour !== null);
  expect(withLimit).toHaveLength(4);
  for (const { name, limitHour, firstHour } of withLimit)
    expect(limitHour! - (firstHour ?? Number.POSITIVE_INFINITY), name).toBeGreaterThanOrEqual(2);

  // One message of the provider and one of the key, though nine agents met them; what heals or is no trouble is told to nobody.
  const begun = titles.filter((title) => /^[✗!]/.test(title) && !title.includes('still after'));
  expect(begun.filter((title) => /provider|sync|digest-|triage|of one cause/.test(title))).toEqual([
    '✗ https://api.provider.example is down',
    '✗ 6 agents failed of one cause: the service answers 401: the key has expired',
  ]);
  expect(titles.filter((title) => /fetch|nightly|shots|host is/.test(title) && !/of host is/.test(title))).toEqual([]);

  const digest = day.told.filter(({ level }) => level === 'info');
  expect(digest.map(({ at }) => Math.floor((at - T0) / HOUR))).toEqual([20]);
  expect(digest[0]!.text).toContain('✓ fetch was crashed ×3');
  expect(digest[0]!.text).toContain('✓ shots left processes behind ×20');
  expect(digest[0]!.text).toMatch(/^✗ api has failed since .*: daruma jobs api/m);
});
