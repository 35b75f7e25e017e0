import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

const CHANNELS = [
  'post-bluesky',
  'post-devto',
  'post-email',
  'post-feed',
  'post-file',
  'post-mastodon',
  'post-webhook',
  'post-x',
];
/** Channels that work without an account. */
const OPEN_TO_ALL = ['post-feed', 'post-file'];

describe('every channel', () => {
  const channels = plugins.filter(({ name }) => CHANNELS.includes(name));

  it.each(channels)('$name takes the same posts, and nothing else', ({ plugin }) => {
    const takes = (input: unknown) => plugin.input!.safeParse(input).success;
    const whole = {
      title: 'T',
      text: 't',
      markdown: '- t',
      url: 'https://a.example',
      image: 'https://a.example/i.png',
    };
    for (const level of ['info', 'warning', 'critical', 'recovery']) expect(takes({ ...whole, level })).toBe(true);
    expect(takes({ text: 'alone' })).toBe(true);
    const wrong = [null, 'hello', { text: '' }, { markdown: 'no text' }, { text: 't', body: 'x' }];
    const unsafe = [
      { text: 't', url: 'javascript:alert(1)' },
      { text: 't', level: 'loud' },
    ];
    for (const input of [...wrong, ...unsafe]) expect(takes(input), JSON.stringify(input)).toBe(false);
  });

  it.each(channels)('$name is there, off where it needs an account, with one line that switches it on', ({ name }) => {
    const file = new URL(`../../agents/${name}.yaml`, import.meta.url);
    if (OPEN_TO_ALL.includes(name)) return expect(existsSync(file)).toBe(false);
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.filter((line) => /^enabled: false\b/.test(line))).toHaveLength(1);
  });
});

describe('every shipped plugin', () => {
  it('is one of these', () => {
    const work = [
      'api-health',
      'backup',
      'backup-encrypted',
      'backup-restic',
      'backup-s3',
      'blog-post',
      'command',
      'performance-report',
      'disk-space',
      'fire-drill',
      'github-triage',
      'heartbeat-ping',
      'log-analysis',
      'log-cleanup',
      'process-watch',
      'restore-drill',
      'rss-watch',
      'status-post',
      'update-check',
    ];
    expect(plugins.map(({ name }) => name).sort()).toEqual([...work, ...CHANNELS].sort());
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
    expect(first).toEqual(['api-health', 'backup', 'disk-space', 'performance-report', 'status-post']);
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
