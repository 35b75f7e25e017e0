import { afterEach, expect, it } from 'vitest';
import { type ControlClient, connectControl } from '../../src/control/client.ts';
import { readHostFile } from '../../src/control/place.ts';
import type { Operation } from '../../src/operations/operation.ts';
import { OPERATIONS, type Op, type Ops } from '../../src/operations/table.ts';
import { mustKeep } from '../contract.ts';
import { type Installation, installation, plugin } from './installation.ts';

let at: Installation | undefined;
afterEach(async () => {
  await at?.leave();
  at = undefined;
});

const GUEST = { path: 'plugins/guest.ts', text: plugin('return 1;') };

/** Answers and items that the client checks against their rows; each is kept as it came. */
function checked(client: ControlClient) {
  const asked = new Set<Op>();
  const items = new Map<Op, unknown[]>();
  async function ask<O extends Op>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']> {
    const { result, item }: Operation = OPERATIONS[op];
    const itemSchema = await item?.();
    const seen: Promise<unknown>[] = [];
    asked.add(op);
    const value = await client.ask(op, args, (one) => {
      items.set(op, [...(items.get(op) ?? []), one]);
      seen.push(
        itemSchema ? mustKeep(itemSchema, one, `an item of ${op}`) : Promise.reject(new Error(`${op} has items`)),
      );
    });
    await Promise.all(seen);
    return mustKeep(await result(), value, op);
  }
  return { ask, asked, items };
}

it('answers every operation as its row says, on a real host', async () => {
  const place = installation(
    {
      'plugins/steady.ts': plugin(
        `await context.state.set('n', 1); context.log.info('at work'); return { fine: true };`,
        `schedule: '0 3 * * *', needs: { secrets: ['SHOP_TOKEN'] },`,
      ),
      'plugins/broken.ts': plugin(`throw new Error('no luck');`, 'limits: { attempts: 1 },'),
      'plugins/crashes.ts': plugin(
        `setImmediate(() => { throw new Error('uncaught'); }); await new Promise(() => {});`,
        'limits: { attempts: 1 },',
      ),
      '.env': 'SHOP_TOKEN=s3cret-token\n',
    },
    undefined,
    { alone: true },
  );
  at = place;
  delete process.env.DARUMA_WEB;
  await place.start();
  const { socket } = readHostFile(place.folder)!;
  const [client, watcher] = [await connectControl(socket), await connectControl(socket)];
  const { ask, asked, items } = checked(client);
  const streams = checked(watcher);
  const ended = [
    ...[streams.ask('follow', {}), streams.ask('changes', {}), streams.ask('changed', {})],
    streams.ask('guests', { files: [GUEST] }),
  ].map((one) => one.catch((thrown) => thrown));
  await streams.ask('ping', {});

  const done = await ask('run', { agent: 'steady', input: { a: 1 }, wait: true, key: 'k' });
  expect(await ask('run', { agent: 'steady', key: 'k' })).toMatchObject({ id: done.id, usedKey: { state: 'done' } });
  const dead = await ask('run', { agent: 'broken', wait: true });
  expect(await ask('job', { id: dead.id })).toMatchObject({ failures: [{ error: { message: 'no luck' } }] });
  await ask('jobs', { states: ['done', 'dead'], since: '2026-01-01', limit: 10 });
  await ask('dlq', {});
  for (const op of ['replay', 'drop'] as const)
    expect(await ask(op, { id: dead.id, dryRun: true })).toMatchObject({ count: 1 });
  await ask('pause', { agent: 'steady', forMs: 60_000 });
  expect(await ask('deliveries', {})).toEqual({ deliveries: [], unproven: [] });
  await expect(ask('deliver', { job: dead.id })).rejects.toMatchObject({ code: 'DELIVERY_UNKNOWN' });
  const { id: held } = await ask('run', { agent: 'steady' });
  expect(await ask('cancelMany', { agent: 'steady', dryRun: true })).toEqual({ count: 1, jobs: [held], dryRun: true });
  await ask('cancel', { id: held });
  await ask('resume', { agent: 'steady' });
  await ask('level', { agent: 'steady', level: 'debug' });
  await ask('restart', { agent: 'steady' });
  await ask('why', { agent: 'steady' });
  await ask('next', { agent: 'steady', n: 2 });
  await ask('slots', { from: '2026-01-01', to: '2099-01-01' });
  await ask('stateSizes', {});
  await ask('state', { agent: 'steady' });
  await ask('stateSet', { agent: 'steady', key: 'n', value: { deep: [1] } });
  await ask('stateMove', { from: 'steady', to: 'broken' });
  const { versions } = await ask('versions', { plugin: 'steady' });
  await ask('sources', { plugin: 'steady', version: versions[0]!.id });
  await ask('rollback', { agent: 'steady', latest: true });
  await ask('rehearse', { name: 'steady', last: 1 });
  expect(items.get('rehearse')).toHaveLength(1);
  await ask('learn', { agent: 'steady' });
  expect(await ask('dryRun', { agent: 'steady' })).toMatchObject({ state: 'done', result: { fine: true }, refused: 0 });
  await ask('run', { agent: 'crashes', wait: true });
  const [incident] = await place.until(
    () => ask('incidents', { agent: 'crashes' }),
    (found) => found.length > 0,
  );
  await ask('incident', { id: incident!.id });
  expect((await ask('incidentEvidence', { id: incident!.id })).evidence[0]).toMatchObject({ id: 'E1', what: 'seen' });
  await ask('drillDone', { rows: [{ name: 'diagnosis/leak', ok: true, seen: null }] });
  await ask('drillModels', {});
  await ask('ack', { id: incident!.id, note: 'seen' });
  await ask('mute', { id: incident!.id, forMs: 60_000 });
  await ask('unmute', { id: incident!.id });
  await ask('alerts', {});
  await ask('alertsTest', {});
  const window = await ask('maintenanceStart', { forMs: 60_000, note: 'a new disk' });
  await ask('maintenance', {});
  await ask('maintenanceEnd', { id: window.id });
  await ask('secrets', {});
  await ask('models', {});
  await ask('check', {});
  await ask('doctor', {});
  await ask('report', {});
  await ask('warnings', {});
  await ask('bills', { days: true });
  await ask('logFiles', {});
  const planned = await ask('plan', { act: 'pause', args: { agent: 'steady', forMs: 60_000 } });
  await ask('apply', { token: planned.token, confirm: planned.confirm });
  await ask('assistantAllow', { name: 'claude' });
  expect(await ask('assistants', {})).toMatchObject([{ name: 'claude', role: 'reader' }]);
  expect(await ask('assistantRevoke', { name: 'claude' })).toEqual({ name: 'claude', revoked: true });
  await ask('status', {});
  expect((await ask('health', {})).reasons).toMatchObject([{ code: 'AGENT_FAILED' }, { code: 'AGENT_FAILED' }]);
  const { agents } = await ask('trends', { window: '24h', points: true });
  await ask('hostLoad', { window: '24h' });
  await ask('holdUps', { jobs: [dead.id] });
  await ask('series', { agent: 'steady' });
  expect(agents.find(({ agent }) => agent === 'broken')).toMatchObject({ dead: 1, uptime: 0, points: [{ dead: 1 }] });
  await ask('batchPlan', { act: 'drop', ids: [dead.id] });
  const { id: batch } = await ask('batchStart', { act: 'drop', ids: [dead.id] });
  await ask('batches', {});
  await ask('batch', { id: batch });
  await ask('batchItems', { id: batch });
  await ask('batchCancel', { id: batch }).catch((error) => expect(error).toMatchObject({ code: 'BATCH_ENDED' }));
  await ask('metrics', {});
  expect(await ask('pingForget', { name: 'nas' })).toEqual({ name: 'nas', forgotten: false });
  await ask('runs', {});
  await ask('events', {});
  await ask('logs', {});
  await ask('pauseAll', { forMs: 60_000 });
  await ask('resumeAll', {});
  await ask('workers', {});
  await ask('configShow', {});
  await ask('configShow', { agent: 'steady' });
  await ask('configForce', {});
  await expect(ask('configRollback', {})).rejects.toMatchObject({ code: 'NOTHING_BEFORE' });
  await ask('storeMend', {});
  expect(await ask('open', { reader: true })).toMatchObject({ role: 'reader' });
  // An act is answered before it is on record.
  const [newest] = await place.until(
    () => ask('audit', {}),
    ([act]) => act?.operation === 'open',
  );
  expect(newest).toMatchObject({ via: 'socket', operation: 'open', args: { reader: true }, ok: true });
  place.write('plugins/wrong.ts', 'export default 1;');
  await place.until(
    async () => streams.items.get('changes') ?? [],
    (changes) => changes.length > 0,
  );
  for (const op of ['follow', 'guests', 'changed'] as const) expect(streams.items.get(op)!.length).toBeGreaterThan(0);
  await ask('stop', {});
  client.close();
  watcher.close();
  for (const end of await Promise.all(ended)) expect(end).toMatchObject({ code: 'HOST_GONE' });
  expect([...asked, ...streams.asked].sort()).toEqual(expect.arrayContaining(Object.keys(OPERATIONS)));
});
