import { beforeEach, expect, it } from 'vitest';
import { type Actor, type Audit, createAudit } from '../../src/host/audit.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { createScrubber } from '../../src/kernel/scrub.ts';
import type { FleetEvent } from '../../src/telemetry/ports.ts';
import { Clock } from '../clock.ts';

const anna: Actor = { via: 'cli', who: 'anna', role: 'operator' };
let time: Clock;
let audit: Audit;
let rows: (Omit<FleetEvent, 'at'> & { data?: Record<string, unknown> })[];
beforeEach(() => {
  time = new Clock();
  rows = [];
  audit = createAudit({
    time,
    scrub: createScrubber(['s3cret-token']),
    events: { record: (_level, event) => void rows.push(event) },
  });
});
const refused = () => Promise.reject(new Fault({ code: 'AGENT_UNKNOWN', message: 'there is no such agent' }));

it('has a row of each act when it is over, whatever came of it, and none of what only reads', async () => {
  expect(
    await audit.of(
      () => anna,
      { operation: 'run', args: { agent: 'shop', input: 's3cret-token' } },
      Promise.resolve(1),
    ),
  ).toBe(1);
  await expect(audit.of(() => anna, { operation: 'pause', args: { agent: 'nobody' } }, refused())).rejects.toThrow(
    'no such agent',
  );
  await audit.of(() => anna, { operation: 'status', args: {} }, Promise.resolve(1));
  await audit.of(() => anna, { operation: 'constructor', args: {} }, Promise.resolve(1));
  expect(rows).toMatchObject([
    {
      kind: 'act',
      agent: 'shop',
      data: { ...anna, operation: 'run', args: { input: '[secret]' }, ok: true, times: 1 },
    },
    { kind: 'act', agent: 'nobody', data: { operation: 'pause', ok: false, fault: { code: 'AGENT_UNKNOWN' } } },
  ]);
  expect(rows[1]!.message).toBe('operator anna by cli: pause, refused: there is no such agent');
});

it('gathers what one actor does more than sixty times a minute, and loses none of it', async () => {
  const often = async (times: number, outcome: () => Promise<unknown>) => {
    for (let at = 0; at < times; at++)
      await audit.of(() => anna, { operation: 'run', args: { agent: 'shop' } }, outcome()).catch(() => {});
  };
  await often(100, async () => 1);
  await often(3, refused);
  expect(rows).toHaveLength(60);
  await time.pass(60_000);
  expect(rows.slice(60)).toMatchObject([
    { agent: null, message: 'operator anna by cli: run, 40 times', data: { times: 40, ok: true } },
    { data: { times: 3, ok: false, fault: { code: 'ACTS_FAILED' } } },
  ]);
  await often(61, async () => 1);
  audit.end();
  expect([rows.length, time.timers()]).toEqual([62 + 61, 0]);
});
