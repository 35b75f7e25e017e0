import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AGENT_SERIES, HOST_SERIES, OWN_PREFIX, unitOf } from '../../src/telemetry/meter/series-table.ts';

test('docs/metrics.md has a row for each series of the house, as the table has it', () => {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([\w.]+)` \| (\w+) \| (\S*) \| (.*?) \| (.*) \|$/gm)].map((row) => row.slice(1));
  const table = [...Object.entries(AGENT_SERIES), ...Object.entries(HOST_SERIES)];
  expect(rows).toEqual(
    table.map(([name, { kind, unit, labels, about }]) => [
      name,
      kind,
      unit,
      labels.map((label) => `\`${label}\``).join(', '),
      about,
    ]),
  );
});

test('no series of the house has a name of an author, and lengths of time of authors have their unit', () => {
  expect(Object.keys(AGENT_SERIES).filter((name) => name.startsWith(OWN_PREFIX))).toEqual([]);
  expect(unitOf('a', 'context.render', 'histogram')).toBe('ms');
  expect(unitOf('a', 'context.orders', 'counter')).toBe('');
  expect(unitOf(null, 'disk.free', 'gauge')).toBe('bytes');
});
