import { describe, expect, it } from 'vitest';
import { readAgentFile } from '../../src/catalog/files/agent-file.ts';
import { faultOfIssues } from '../../src/catalog/files/issues.ts';
import { verdictOfEnd, verdictOfFailure } from '../../src/healing/verdict.ts';
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
});
