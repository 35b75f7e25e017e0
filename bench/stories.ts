/**
 * 24 hours of the stories before the healing, the early warnings and the alerts of a host, in given time. Prints a row for each story: what people
 * were told first, when, how long before its limit, and the next step; then how many alerts there were in all. docs/alerts.md quotes the rows.
 *
 *   npx tsx bench/stories.ts
 */

import { formatDuration } from '../src/kernel/units.ts';
import { liveStories, rowsOf } from '../test/host/alerts/stories.ts';

const HOUR = 3_600_000;
const hours = (count: number) => formatDuration(Math.round(count * 60) * 60_000);
const day = await liveStories();
console.log(
  '| story | told, after | limit, after | ahead | the message | next |\n| --- | --- | --- | --- | --- | --- |',
);
for (const { name, firstHour, limitHour, title, next } of rowsOf(day)) {
  const told = firstHour === null ? 'in the digest, or not at all' : hours(firstHour);
  const ahead = limitHour === null || firstHour === null ? '–' : hours(limitHour - firstHour);
  const limit = limitHour === null ? '–' : hours(limitHour);
  console.log(`| ${[name, told, limit, ahead, title ?? '–', next === null ? '–' : `\`${next}\``].join(' | ')} |`);
}
const begins = day.told.filter(({ title }) => /^[✗!]/.test(title) && !title.includes('still after')).length;
const last = ((day.told.at(-1)?.at ?? 0) - (day.told[0]?.at ?? 0)) / HOUR;
console.log(
  `\n${day.alerts} alerts in 24 hours (${day.told.length} messages: ${begins} begins, reminders, ends and a digest, within ${hours(last)}); ${day.healed} incidents healed without a person`,
);
