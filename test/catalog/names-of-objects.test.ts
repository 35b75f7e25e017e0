import { describe, expect, it } from 'vitest';
import { readAgentFile } from '../../src/catalog/files/agent-file.ts';
import { faultOfIssues } from '../../src/catalog/files/issues.ts';
import { resolveSet } from '../../src/catalog/resolve/set.ts';
import type { StoredVersion } from '../../src/catalog/versions/versions.ts';
import { logLines } from '../../src/cli/text/log.ts';
import { plain } from '../../src/cli/text/paint.ts';
import { verdictOfEnd, verdictOfFailure } from '../../src/healing/verdict.ts';
import { signOf } from '../../src/kernel/state-sign.ts';
import { makeWorld, plugin } from './world.ts';

/** What every object of JavaScript has by itself, as far as it can be a key that people write. */
const OWN = Object.getOwnPropertyNames(Object.prototype);

describe('a name that every object has by itself', () => {
  it('is a name like any other: agents, plugins and settings, over a restart', async () => {
    const world = await makeWorld({
      'plugins/victim.ts': plugin('victim'),
      'plugins/other.ts': plugin('other', ''),
      'plugins/constructor.ts': plugin(
        'constructor',
        "schedule: '@daily', settings: z.record(z.string(), z.number()),",
      ),
      'agents/constructor.yaml': 'plugin: victim\n',
      'agents/keys.yaml': 'plugin: constructor\nsettings: { constructor: 1, toString: 2, hasOwnProperty: 3 }\n',
    });
    try {
      const names = ['constructor', 'keys', 'other'];
      expect([...world.catalog.agents().keys()].sort()).toEqual(names);
      expect(world.catalog.problems()).toEqual([]);
      expect(world.agent('keys').settings).toEqual({ constructor: 1, toString: 2, hasOwnProperty: 3 });
      await world.restart();
      expect([...world.catalog.agents().keys()].sort()).toEqual(names);
      expect(world.agent('constructor').version.plugin).toBe('victim');
    } finally {
      await world.end();
    }
  });

  it('is an unknown key of a file, told as one', () => {
    for (const key of OWN) {
      const read = readAgentFile('x', 'agents/x.yaml', `plugin: y\n${key}: 1\n`, { timezone: 'UTC', now: 0 });
      expect(read, key).toMatchObject({ fault: { file: 'agents/x.yaml', line: 2 } });
      const inside = readAgentFile('x', 'agents/x.yaml', `plugin: y\nlimits: { ${key}: 1 }\n`, {
        timezone: 'UTC',
        now: 0,
      });
      expect(inside, key).toMatchObject({ fault: { file: 'agents/x.yaml', line: 2 } });
    }
  });

  it('is missing where nobody says it', () => {
    for (const key of OWN) {
      const issue = { code: 'invalid_type', message: 'Invalid input: expected string', path: ['settings', key] };
      const fault = faultOfIssues([issue], {
        code: 'X',
        data: { settings: {} },
        schema: { properties: {} },
        file: 'x',
      });
      expect(fault.message).toBe(`settings.${key} is missing: expected string`);
    }
  });

  it('means nothing as the code of an error', () => {
    for (const code of OWN) {
      expect(verdictOfFailure({ code, message: 'x' })).toBeNull();
      expect(verdictOfEnd({ code, message: 'x' })).toBe('crashed');
    }
  });

  it('is shown like any other, whatever a log line or a record of another version has it for', () => {
    for (const name of OWN) {
      expect(signOf(name)).toEqual({ sign: '?', style: 'yellow' });
      const look = { paint: plain, clock: { now: 0, zone: 'UTC' }, width: 100 } as unknown as Parameters<
        typeof logLines
      >[1];
      const line = { time: '1970-01-01T00:00:00.000Z', level: name, msg: 'hello' } as Parameters<typeof logLines>[0];
      expect(logLines(line, look, { agent: true, job: true }).join('')).toContain('hello');
    }
  });
});

it('is the problem of one agent when it cannot be resolved for a reason that no rule foresees', () => {
  const version = {
    ref: { plugin: 'p', id: 'v1' },
    entry: 'plugins/p.ts',
    manifest: { schedule: '@daily' },
  } as unknown as StoredVersion;
  const facts = { file: 'plugins/p.ts', good: version, problem: undefined };
  const set = resolveSet({
    plugins: new Map([
      ['bad', facts],
      ['fine', facts],
    ]),
    files: new Map(),
    inForce: new Map(),
    listings: [],
    hostTimezone: 'UTC',
    unsettled: false,
    agentsUnsettled: false,
    issuesOf: () => [],
    resolve({ name }) {
      if (name === 'bad') throw new TypeError("Cannot read properties of undefined (reading 'length')");
      return { agent: { name, version: { plugin: 'p' }, on: [] }, origins: [] } as never;
    },
  });
  expect([...set.agents.keys()]).toEqual(['fine']);
  expect(set.listings).toMatchObject([
    { name: 'bad', is: 'rejected', problem: { code: 'AGENT_FAILED', file: 'plugins/p.ts' } },
    { name: 'fine' },
  ]);
});
