import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ControlClient } from '../../src/control/client.ts';
import { connectHost } from '../../src/control/own-host.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;
const clients: ControlClient[] = [];

beforeEach(async () => {
  place = installation({ 'plugins/own.ts': plugin('return 1;') });
  await place.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await place.leave();
});

async function connect(): Promise<ControlClient> {
  const client = await connectHost(place.folder, machineTime);
  clients.push(client);
  return client;
}

/** Resolves with the names of the guest agents as soon as they may be given jobs, and with the client that brought them. */
async function bring(files: { path: string; text: string }[]) {
  const client = await connect();
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  client.ask('guests', { files }, ({ agents }) => resolve(agents)).then(() => undefined, reject);
  return { client, agents: await promise };
}

const GUEST = { path: 'plugins/guest.ts', text: plugin('await new Promise(() => {});', 'schedule: "* * * * * *",') };

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  return thrown instanceof Fault ? thrown.plain.code : String(thrown);
}

it('runs guest agents beside the others until their client leaves: unlisted, unscheduled, and gone with their jobs', async () => {
  const host = await connect();
  const { client, agents } = await bring([GUEST]);
  expect(agents).toEqual(['guest']);
  const job = await host.ask('run', { agent: 'guest' });
  expect((await host.ask('status', {})).agents.map(({ name }) => name)).toEqual(['own']);
  expect(await host.ask('run', { agent: 'own', wait: true })).toMatchObject({ state: 'done' });
  expect((await host.ask('workers', { agent: 'own' })).map(({ agent }) => agent)).toEqual(['own']);
  const ended = host.ask('job', { id: job.id, wait: true });
  client.close();
  expect(await ended).toMatchObject({ state: 'cancelled', error: { code: 'GUEST_GONE' } });
  expect(await codeOf(host.ask('run', { agent: 'guest' }))).toBe('AGENT_UNKNOWN');
  const slots = await host.ask('slots', { from: '2000-01-01', to: '2100-01-01' });
  expect(slots.map(({ agent }) => agent)).not.toContain('guest');
});

it('refuses a name that is taken, a path elsewhere and a file with a problem, and leaves nothing of them', async () => {
  const host = await connect();
  expect(await codeOf(bring([{ ...GUEST, path: 'plugins/own.ts' }]))).toBe('AGENT_TAKEN');
  for (const path of ['plugins/../../own.ts', '/etc/own.ts', 'config/daruma.yaml', 'plugins/.own.ts', 'plugins']) {
    expect(await codeOf(bring([{ ...GUEST, path }]))).toBe('ARGS_INVALID');
  }
  expect(await codeOf(bring([{ ...GUEST, text: 'export default 1;' }]))).toBe('PLUGIN_EXPORT');
  const first = await bring([GUEST]);
  expect(first.agents).toEqual(['guest']);
  expect(await codeOf(bring([GUEST]))).toBe('AGENT_TAKEN');
  expect(await host.ask('run', { agent: 'own', wait: true })).toMatchObject({ state: 'done' });
});
