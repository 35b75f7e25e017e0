import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { connectHost } from '../../src/control/own-host.ts';
import type { DryRunView, RehearsalView } from '../../src/control/protocol.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
let shop: Server | undefined;
afterEach(async () => {
  await place?.leave();
  shop?.close();
  [place, shop] = [undefined, undefined];
});

const GRANTS = 'needs: { net: ["127.0.0.1"], write: ["data/out"] }, limits: { attempts: 1, timeout: "5s" },';
const PRICE = (body: string) => plugin(`const { cents } = context.job.input; ${body}`, GRANTS);
const OLD = PRICE(`
  if (cents === 13) throw new GiveUp('13 is no price');
  const receipt = await context.once('pay', () => 'r' + Math.random());
  await context.state.set('last', cents);
  return { euro: cents / 100, receipt, hour: new Date().getUTCHours(), job: context.job.id };`);

/** With one done job for each number of cents. */
async function priced(...cents: number[]) {
  place = installation({ 'plugins/price.ts': OLD, 'plugins/report.ts': plugin('return 1;') });
  await place.start();
  for (const one of cents) await place.daruma('run', 'price', '--wait', '--with', `cents=${one}`);
  return place;
}

async function rehearsed(...args: string[]) {
  const { json, code } = await place!.daruma('rehearse', 'price', ...args, '--json');
  return { code, ...(json as RehearsalView), words: (json as RehearsalView).jobs?.map(({ is }) => is) };
}

it('shows what the newest source makes of past inputs, and lets nothing of it out', async () => {
  const { daruma, write, folder } = await priced(1250, 13, 990);
  const same = await rehearsed();
  // The clock, the id and the recorded effect are what they were.
  expect([same.code, same.words]).toEqual([0, ['same', 'both-fail', 'same']]);

  write(
    'plugins/price.ts',
    PRICE(`
  if (cents === 990) return (context.nothing as any).euro;
  if (cents === 13) return 'a price after all';
  const before = await context.state.get('last');
  await context.state.set('last', 'rehearsed');
  const sent = await context.send('report', { cents });
  context.log.info('rehearsing ' + cents);
  return { euro: cents / 100 + 1, receipt: await context.once('pay', () => 'again'), hour: new Date().getUTCHours(), job: context.job.id, before, sent };`),
  );
  const { code, words, jobs, agents } = await rehearsed('--last', '3');
  expect([code, words]).toEqual([1, ['differs', 'mended', 'fails']]);
  const [differs, mended, fails] = jobs;
  expect(differs!.differences.map(({ path }) => path)).toEqual(['euro', 'before', 'sent']);
  expect(differs).toMatchObject({
    input: { cents: 1250 },
    old: { state: 'done', result: { euro: 12.5 } },
    new: { result: { euro: 13.5, before: 990 } },
  });
  expect(differs!.new.effects).toEqual([
    { kind: 'state.set', what: 'last', is: 'captured', data: 'rehearsed' },
    { kind: 'send', what: 'report', is: 'captured', data: { cents: 1250 } },
    { kind: 'once', what: 'pay', is: 'answered', data: (differs!.old.result as { receipt: string }).receipt },
  ]);
  expect(differs!.new.logs).toEqual([{ level: 'info', message: 'rehearsing 1250' }]);
  expect(mended!.new.error).toBeNull();
  expect(fails!.new.error).toMatchObject({ message: expect.stringContaining('undefined') });
  expect(agents).toMatchObject([{ agent: 'price', against: null, file: null }]);
  expect((await daruma('jobs', 'report', '--json')).json).toEqual([]);
  expect((await daruma('jobs', 'price', '--json')).json).toHaveLength(3);

  const told = await daruma('rehearse', 'price');
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/✗ +job-\w+ +fails/);
  expect(told.stdout).toContain('euro: 12.5 → 13.5');
  expect(told.stdout).toContain('captured send report {"cents":1250}');
  expect(existsSync(join(folder, 'data/run/rehearsal'))).toBe(false);
});

it('says unclear where something was refused, lets reads out when it is asked to, and takes a file or another version', async () => {
  const { daruma, write, folder } = await priced(500);
  const [{ version }] = (await daruma('jobs', 'price', '--json')).json as [{ version: string }];
  const seen: string[] = [];
  shop = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url === '/moved') response.writeHead(302, { location: '/price' }).end();
    else response.end('{"euro":7}');
  });
  await new Promise<void>((resolve) => shop!.listen(0, '127.0.0.1', () => resolve()));
  const origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  const drafts = {
    reads: `return { euro: (await (await context.fetch('${origin}/moved')).json()).euro };`,
    posts: `await context.fetch('${origin}/buy', { method: 'POST', body: '{"cents":1}' });`,
    files: `const { writeFile } = await import('node:fs/promises'); await writeFile(context.folder + '/data/out/x', 'x');`,
    dials: `const { connect } = await import('node:net'); await new Promise((_, no) => connect(${new URL(origin).port}, '127.0.0.1').on('error', no));`,
    spins: 'for (;;) {}',
  };
  for (const [name, body] of Object.entries(drafts)) {
    // Only the draft that never ends is to meet its timeout: a busy machine must not make the others late.
    const grants = name === 'spins' ? GRANTS.replace('"5s"', '"300ms", grace: "50ms"') : GRANTS;
    write(`plugins/_${name}.ts`, plugin(body, grants));
  }
  const tried = async (name: string, ...more: string[]) => {
    const { code, words, jobs } = await rehearsed('--file', `plugins/_${name}.ts`, ...more);
    return {
      code,
      word: words[0],
      ...jobs[0]!.new,
      refusals: jobs[0]!.new.effects!.filter(({ is }) => is === 'refused'),
    };
  };

  expect(await tried('reads')).toMatchObject({ code: 3, word: 'unclear', error: { code: 'REHEARSAL_REFUSED' } });
  expect(await tried('posts', '--live')).toMatchObject({
    word: 'unclear',
    refusals: [{ kind: 'fetch', what: `POST ${origin}/buy`, data: { cents: 1 } }],
  });
  expect(await tried('files')).toMatchObject({ word: 'unclear', refusals: [{ kind: 'write' }] });
  expect(await tried('dials', '--live')).toMatchObject({ word: 'unclear', refusals: [{ kind: 'connect' }] });
  expect(await tried('spins')).toMatchObject({ code: 1, word: 'fails', error: { code: 'TIMEOUT' } });
  expect(seen).toEqual([]);
  expect(existsSync(join(folder, 'data/out/x'))).toBe(false);
  expect(await tried('reads', '--live')).toMatchObject({ code: 0, word: 'differs', result: { euro: 7 } });
  expect(seen).toEqual(['GET /moved', 'GET /price']);

  const against = await rehearsed('--against', version.slice(0, 8));
  expect(against).toMatchObject({ code: 0, words: ['same'], agents: [{ version, against: version }] });
  expect(against.jobs[0]!.old.effects).toHaveLength(2);
  expect(existsSync(join(folder, 'data/run/rehearsal'))).toBe(false);
  write('plugins/price.ts', 'export default 7 +;');
  const broken = await daruma('rehearse', 'price');
  expect(broken.code).toBe(1);
  expect(broken.stderr).toContain('plugins/price.ts:1');
  expect((await daruma('rehearse', 'prize')).stderr).toContain('did you mean price?');
  expect((await daruma('rehearse', 'report')).code).toBe(3);
});

it('is told as one on probation that does not run yet, until its first worker has started', async () => {
  place = installation({ 'plugins/price.ts': OLD });
  const { daruma, write, until } = place;
  await place.start();
  const priceOf = async (cents: number) =>
    (await daruma('run', 'price', '--wait', '--with', `cents=${cents}`, '--json')).json;
  // Over one connection: the time that a command takes to start would count against the slow load.
  const host = await connectHost(place.folder, machineTime);
  onTestFinished(() => host.close());
  const versions = async () => (await host.ask('versions', { plugin: 'price' })).versions;
  for (const cents of [1, 2, 3]) await priceOf(cents);
  await until(versions, ([one]) => one?.rollout === 'good');
  const { version } = await priceOf(4);

  // Loading takes so long that the version before is seen to serve meanwhile.
  const slow = 'for (const end = Date.now() + 1500; Date.now() < end; );';
  write('plugins/price.ts', `${PRICE('return cents;')}\n${slow}\n`);
  const told = async () => {
    const { agents } = await host.ask('status', { agent: 'price' });
    return { serves: agents[0]!.version, kept: await versions() };
  };
  const { serves, kept } = await until(told, ({ kept: [newest] }) => newest?.rollout === 'probation');
  expect({ serves, runs: kept.filter(({ agents }) => agents.some(({ runs }) => runs)).map(({ id }) => id) }).toEqual({
    serves: version,
    runs: [version],
  });
  const fine = await until(
    () => priceOf(6),
    (job) => job.version !== version,
  );
  expect(fine).toMatchObject({ state: 'done', result: 6 });
});

it('a dry run shows what a job would do, of an agent that is off too, and lets nothing out whatever the plugin does', async () => {
  let requests = 0;
  shop = createServer((_, response) => {
    requests += 1;
    response.end('1');
  });
  await new Promise<void>((resolve) => shop!.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/pay`;
  const rights = `needs: { net: ["127.0.0.1"], write: ["out"], secrets: ["PAY_TOKEN"] }, limits: { attempts: 1 },`;
  const body = `{ method: 'POST', body: JSON.stringify({ cents: 7, token: context.secrets.PAY_TOKEN }) }`;
  place = installation({
    'plugins/heeds.ts': plugin(
      `if (context.dryRun) return { would: [context.secrets.PAY_TOKEN, context.job.input] };`,
      rights,
    ),
    'plugins/ignores.ts': plugin(
      `await context.state.set('n', 1); await context.send('writes', { a: 1 });
      return context.once('pay', async () => (await context.fetch('${url}', ${body})).status);`,
      rights,
    ),
    'plugins/writes.ts': plugin(`(await import('node:fs')).writeFileSync(context.folder + '/out/x', 'x');`, rights),
    'plugins/reads.ts': plugin(`return (await context.fetch('${url}')).status;`, rights),
    'agents/heeds.yaml': 'plugin: heeds\nenabled: false\n',
    'agents/ignores.yaml': 'plugin: ignores\n',
  });
  await place.start();
  const { daruma, folder } = place;
  const heeds = await daruma('run', 'heeds', '--dry-run', '--with', 'a=1', '--json');
  expect(heeds).toMatchObject({
    code: 0,
    json: {
      state: 'done',
      standIns: ['PAY_TOKEN'],
      result: { would: [expect.stringContaining('PAY_TOKEN'), { a: 1 }] },
    },
  });

  place.write('.env', 'PAY_TOKEN=s3cret-token\n');
  const ignores = await daruma('run', 'ignores', '--dry-run', '--json');
  expect(ignores).toMatchObject({
    code: 3,
    json: { state: 'failed', error: { code: 'REHEARSAL_REFUSED' }, refused: 1 },
  });
  const { effects } = ignores.json as DryRunView;
  expect(effects!.map(({ kind, is }) => `${is} ${kind}`)).toEqual([
    ...['captured state.set', 'captured send', 'captured once', 'refused fetch'],
  ]);
  expect(effects!.at(-1)).toMatchObject({ what: `POST ${url}`, data: { cents: 7 } });
  expect(JSON.stringify(effects)).not.toContain('s3cret-token');

  const writes = await daruma('run', 'writes', '--dry-run', '--json');
  expect(writes).toMatchObject({ code: 3, json: { error: { code: 'NOT_IN_NEEDS' } } });
  const reads = await daruma('run', 'reads', '--dry-run', '--json');
  expect(reads).toMatchObject({ code: 3, json: { effects: [{ is: 'refused', what: `GET ${url}` }] } });
  expect(requests).toBe(0);
  expect(await daruma('run', 'reads', '--dry-run', '--live', '--json')).toMatchObject({ code: 0 });
  expect(requests).toBe(1);
  expect(await daruma('run', 'reads', '--dry-run', '--wait', '--json')).toMatchObject({ code: 2 });

  expect(existsSync(join(folder, 'out/x'))).toBe(false);
  expect((await daruma('jobs', '--json')).json).toEqual([]);
  expect((await daruma('state', '--json')).json).toEqual([]);
});
