import { readdirSync, readFileSync } from 'node:fs';
import { CronTime } from 'cron';
import { type PluginDefinition, z } from 'daruma';
import { describe, expect, it } from 'vitest';
import { readAgentFile } from '../../src/catalog/files/agent-file.ts';
import { narrowNeeds } from '../../src/catalog/files/needs.ts';
import { isPlugin } from '../../src/plugin/define.ts';

const folder = new URL('../../plugins/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.ts'));
const plugins = await Promise.all(
  names.map(async (name) => {
    const { default: plugin } = await import(new URL(name, folder).href);
    return { name: name.replace(/\.ts$/, ''), plugin: plugin as PluginDefinition };
  }),
);

describe('every shipped plugin', () => {
  it('is one of seven', () => {
    const shipped = ['api-health', 'backup', 'daily-report', 'disk-space', 'log-cleanup', 'post-file', 'status-post'];
    expect(plugins.map(({ name }) => name)).toEqual(shipped);
  });

  it.each(plugins)('$name says what it is for, what it may hold and how often it is tried', ({ plugin }) => {
    expect(isPlugin(plugin)).toBe(true);
    expect(plugin.about).toMatch(/^[A-Z].*\.$/);
    expect(plugin.limits).toMatchObject({ memory: expect.any(String), timeout: expect.any(String) });
    expect(plugin.limits!.attempts).toBeGreaterThan(1);
  });

  it.each(plugins)(
    '$name runs without settings, refuses one that it does not know, and describes each',
    ({ plugin }) => {
      expect(plugin.settings!.safeParse({}).success).toBe(true);
      expect(plugin.settings!.safeParse({ typo: 1 }).success).toBe(false);
      const schema = z.toJSONSchema(plugin.settings!, { target: 'draft-7', io: 'input' });
      expect(schema.additionalProperties).toBe(false);
      for (const property of Object.values(schema.properties ?? {})) expect(property).toHaveProperty('description');
    },
  );

  it('never asks for a job in the same minute of a day as another', () => {
    const asked = new Map<string, string>();
    for (const { name, plugin } of plugins) {
      if (!plugin.schedule) continue;
      expect(() => new CronTime(plugin.schedule!)).not.toThrow();
      const [minutes, hours] = plugin.schedule.split(' ').map(fieldOf);
      for (const hour of hours!(24)) {
        for (const minute of minutes!(60)) {
          const time = `${hour}:${minute}`;
          expect(asked.get(time), `${name} at ${time}`).toBeUndefined();
          asked.set(time, name);
        }
      }
    }
    expect(asked.size).toBeGreaterThan(400);
  });

  it('gives five of them work as soon as they are new', () => {
    const first = plugins.filter(({ plugin }) => plugin.firstRun).map(({ name }) => name);
    expect(first).toEqual(['api-health', 'backup', 'daily-report', 'disk-space', 'status-post']);
  });
});

describe('every shipped agent file', () => {
  const agents = new URL('../../agents/', import.meta.url);

  it.each(readdirSync(agents))('%s is good, and fits its plugin', (file) => {
    const text = readFileSync(new URL(file, agents), 'utf8');
    const read = readAgentFile(file.replace('.yaml', ''), `agents/${file}`, text, { timezone: 'UTC', now: 0 });
    if ('fault' in read) return expect.fail(read.fault.message);
    const { plugin } = plugins.find(({ name }) => name === read.good.data.plugin)!;
    expect(plugin.settings!.safeParse(read.good.data.settings)).toMatchObject({ success: true });
    expect(narrowNeeds(plugin.needs, read.good.data.needs)).toHaveProperty('needs');
  });
});

/** The values of a cron field of the forms that the shipped schedules use: `*`, `7`, `2-59/5`. */
function fieldOf(field: string): (count: number) => number[] {
  const [range, step] = field.split('/');
  const [from, to] = range === '*' ? [0, Number.POSITIVE_INFINITY] : range!.split('-').map(Number);
  const last = to ?? from!;
  return (count) => {
    const all = Array.from({ length: count }, (_, value) => value);
    return all.filter((value) => value >= from! && value <= last && (value - from!) % Number(step ?? 1) === 0);
  };
}
