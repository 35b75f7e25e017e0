import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;

beforeAll(async () => {
  const shop = plugin(
    `if ((await context.state.get('well')) === true) return 1; throw new GiveUp('the shop answers 500');`,
  );
  place = installation({
    'plugins/mail.ts': plugin('return context.job.input;'),
    'plugins/chat.ts': plugin('return context.job.input;'),
    'plugins/shop.ts': shop,
    'plugins/bill.ts': shop,
    'plugins/cart.ts': plugin("throw new GiveUp('no cart');"),
    'plugins/crash.ts': plugin(
      `setTimeout(() => { throw new Error('out of the blue'); }); await new Promise(() => {});`,
      "limits: { attempts: 9, backoff: { first: '10ms', longest: '10ms' } },",
    ),
    'config/daruma.yaml': 'web: false\nalerts: { open: [mail, nobody], digest: [chat] }\n',
  });
  await place.start();
});
afterAll(() => place.leave());

const asked = async (...args: string[]) => (await place.daruma(...args, '--json')).json;
type Posts = {
  id: string;
  state: string;
  result: { title: string; text: string; level: string } | null;
  input: { title: string };
}[];
const posts = async (channel: string) => (await asked('jobs', channel)) as Posts;
const delivered = (channel: string, count: number) =>
  place.until(
    () => posts(channel),
    (all) => all.filter(({ state }) => state === 'done').length >= count,
  );
const file = () => {
  const path = join(place.folder, 'data/alerts.log');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

it('tells of a dead letter on the channel and in the file, and of its end', async () => {
  await place.daruma('run', 'shop', '--wait');
  const [post] = await delivered('mail', 1);
  expect(post!.result).toMatchObject({ title: '✗ shop has failed', level: 'critical' });
  for (const said of [post!.result!.text, file()]) {
    expect(said).toContain('the shop answers 500');
    expect(said).toContain('left to you: mend the cause, then run the job again');
    expect(said).toContain('daruma jobs shop --state dead');
  }
  const [alert] = await asked('alerts', 'shop');
  expect(alert).toMatchObject({ state: 'firing', severity: 'open', agent: 'shop' });
  // Settings name a channel that is missing: another one hears of it, too.
  const channels = alert.deliveries.map(({ channel }: { channel: string }) => channel);
  expect(channels.sort()).toEqual(['chat', 'mail']);

  // A later job that is done leaves the dead letter where it is.
  await place.daruma('state', 'shop', 'well', '--set', 'true');
  await place.daruma('run', 'shop', '--wait');
  const still = await place.until(
    () => asked('alerts', 'shop'),
    ([one]) => one.title === 'shop has 1 dead letter',
  );
  expect(still).toMatchObject([{ state: 'firing' }]);
  const { alerts } = await asked('status');
  expect(alerts).toMatchObject({ firing: 1, worst: { id: alert.id, title: 'shop has 1 dead letter' } });
  expect((await place.daruma('status')).stdout).toContain('✗ 1 alert: shop has 1 dead letter since');

  await place.daruma('replay', '--agent', 'shop', '--yes');
  const [over] = await delivered('mail', 2);
  expect(over!.result).toMatchObject({ level: 'recovery', title: expect.stringContaining('✓ over: shop has 1 dead') });
  expect(over!.result!.text).toContain('no dead letter of it waits any more');
});

it('names a channel that is missing, and tests those that are there', async () => {
  const { problems } = await asked('status');
  expect(problems).toContainEqual(expect.objectContaining({ code: 'CHANNEL_MISSING' }));
  const test = await place.daruma('alerts', 'test', '--json');
  expect(test.code).toBe(1);
  expect(test.json.map(({ channel, ok }: { channel: string; ok: boolean }) => [channel, ok])).toEqual([
    ['file', true],
    ['nobody', false],
    ['mail', true],
    ['chat', true],
  ]);
  expect((await place.daruma('alerts', 'test', 'chat')).code).toBe(0);
});

it('keeps quiet in a maintenance window, and tells at its end what still holds', async () => {
  const before = (await posts('mail')).length;
  const window = await asked('maintenance', 'start', 'cart', '--for', '1h');
  await place.daruma('run', 'cart', '--wait');
  await place.until(
    () => asked('alerts', 'cart'),
    (all) => all.length === 1,
  );
  expect((await posts('mail')).length).toBe(before);
  expect(await asked('maintenance')).toMatchObject([{ id: window.id, agent: 'cart' }]);
  await place.daruma('maintenance', 'end', window.id);
  const [post] = await delivered('mail', before + 1);
  expect(post!.result!.title).toBe('✗ cart has failed');
});

it('sends once what a killed host had not sent, helps a held channel out, and tells begin and end in one where that was all', async () => {
  await place.daruma('pause', 'mail');
  const chats = (await posts('chat')).length;
  const mails = (await posts('mail')).length;
  await place.daruma('run', 'bill', '--wait');
  await delivered('chat', chats + 1);
  const { pid } = place.host()!;
  process.kill(pid, 'SIGKILL');
  await place.until(
    async () => place.host(),
    (host) => host !== undefined && host.pid !== pid,
  );
  const waiting = await place.until(
    () => posts('mail'),
    (all) => all.length > mails,
  );
  expect(
    waiting.filter(({ state, input }) => state === 'queued' && input.title.includes('bill has failed')),
  ).toHaveLength(1);
  await place.daruma('state', 'bill', 'well', '--set', 'true');
  await place.daruma('replay', '--agent', 'bill', '--yes');
  await delivered('chat', chats + 2);
  await place.daruma('resume', 'mail');
  const all = await place.until(
    () => posts('mail'),
    (found) => found.filter(({ state }) => state === 'queued' || state === 'running').length === 0,
  );
  const ofBill = all.slice(0, all.length - mails).filter(({ input }) => input.title.includes('bill has failed'));
  expect(ofBill.map(({ state }) => state).sort()).toEqual(['cancelled', 'done']);
  expect(ofBill.find(({ state }) => state === 'done')!.result!.text).toContain('Nobody could be told before.');
});

it('who mutes the cause of an incident is not told of its end, and who acknowledges it ends its alert', async () => {
  const before = (await posts('mail')).filter(({ state }) => state === 'done').length;
  await place.daruma('run', 'crash');
  const [post] = await delivered('mail', before + 1);
  expect(post!.result!.title).toBe('✗ crash is crash-looping');
  const [alert] = await asked('alerts', 'crash');
  expect(alert).toMatchObject({ state: 'firing', incident: expect.stringMatching(/^inc-/) });
  expect((await place.daruma('mute', alert.incident)).code).toBe(0);
  expect((await place.daruma('ack', alert.incident)).code).toBe(0);
  const [over] = await place.until(
    () => asked('alerts', 'crash'),
    (all) => all.some(({ id, state }: { id: string; state: string }) => id === alert.id && state === 'over'),
  );
  expect(over.ending).toContain('closed by a person');
  const told = over.deliveries.map(({ is }: { is: string }) => is);
  expect([...new Set(told)]).toEqual(['firing']);
});
