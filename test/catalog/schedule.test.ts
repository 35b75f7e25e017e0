import { describe, expect, it } from 'vitest';
import type { AgentFileData } from '../../src/catalog/files/agent-file.ts';
import type { PluginManifest } from '../../src/catalog/files/plugin-manifest.ts';
import { resolveSchedule } from '../../src/catalog/resolve/schedule.ts';

const pick = <T>(_: string, ofFile: T | undefined, ofPlugin: T | undefined, fallback: T) =>
  ofFile ?? ofPlugin ?? fallback;

function resolved(plugin: Partial<PluginManifest>, said?: Partial<AgentFileData>) {
  const manifest = { about: 'x', settingsSchema: null, ...plugin };
  const answer = resolveSchedule(said && { plugin: 'x', ...said }, manifest, 'Asia/Tokyo', pick);
  if ('wrong' in answer) return answer.wrong;
  const { expression, timezone, from, until, except } = answer.schedule ?? {};
  return JSON.parse(JSON.stringify({ expression, timezone, from, until, except }));
}

describe('the schedule of a plugin put to work', () => {
  it.each<[string, Partial<PluginManifest>, Partial<AgentFileData> | undefined, object]>([
    ['of the plugin alone', { schedule: '@daily' }, undefined, { expression: '@daily', timezone: 'Asia/Tokyo' }],
    [
      'at one time',
      { at: '2026-12-24T18:00' },
      undefined,
      { expression: 'at 2026-12-24T18:00', timezone: 'Asia/Tokyo' },
    ],
    [
      'the file’s in place of the plugin’s',
      { schedule: '@daily' },
      { schedule: '@hourly', timezone: 'UTC' },
      { expression: '@hourly', timezone: 'UTC' },
    ],
    [
      'one time of the file in place of the plugin’s schedule and its days',
      { schedule: '@daily', until: '2027-01-01' },
      { at: '2027-02-01T09:00' },
      { expression: 'at 2027-02-01T09:00', timezone: 'Asia/Tokyo' },
    ],
    [
      'a schedule of the file in place of the plugin’s one time',
      { at: '2027-02-01T09:00' },
      { schedule: '@daily' },
      { expression: '@daily', timezone: 'Asia/Tokyo' },
    ],
    [
      'days one by one',
      { schedule: '@daily', from: '2026-12-01', until: '2027-01-01' },
      { until: '2027-06-01', except: ['2026-12-25'] },
      { expression: '@daily', timezone: 'Asia/Tokyo', from: '2026-12-01', until: '2027-06-01', except: ['2026-12-25'] },
    ],
  ])('%s', (_, plugin, said, expected) => expect(resolved(plugin, said)).toEqual(expected));

  it.each<[string, Partial<PluginManifest>, Partial<AgentFileData>, object]>([
    [
      'days without a schedule',
      {},
      { until: '2027-01-01' },
      { path: ['until'], message: expect.stringContaining('belongs to a schedule') },
    ],
    [
      'an end before the plugin’s beginning',
      { schedule: '@daily', from: '2027-01-01' },
      { until: '2026-12-01' },
      { path: ['until'] },
    ],
    ['days of one time', { at: '2027-02-01T09:00' }, { except: ['2027-02-01'] }, { path: ['except'] }],
  ])('%s are refused where the file says them', (_, plugin, said, wrong) => {
    expect(resolved(plugin, said)).toMatchObject({ code: 'SCHEDULE_INVALID', next: expect.any(String), ...wrong });
  });
});
