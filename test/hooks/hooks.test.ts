import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectControl } from '../../src/control/client.ts';
import { readHostFile } from '../../src/control/place.ts';
import { type Installation, installation, plugin } from '../e2e/installation.ts';
import { ask, pageOf } from '../web/client.ts';
import { opened, signed } from './signed.ts';

const ENV = ['GITHUB_SECRET=octo-secret', 'STRIPE_NEW=whsec_new', 'STRIPE_OLD=whsec_old', 'SLACK_SECRET=slack-secret']
  .concat('SHOP_KEY=shop-key-1', '')
  .join('\n');
const hook = (webhook: string, body = 'return context.job;', more = '') =>
  plugin(body, `webhook: { ${webhook} }, ${more}`);

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

let place: Installation;
let url: string;
beforeAll(async () => {
  delete process.env.DARUMA_WEB;
  place = installation({
    '.env': ENV,
    'plugins/tick.ts': plugin('return 1;', `schedule: '* * * * * *',`),
    'plugins/triage.ts': hook(
      `verify: { github: 'GITHUB_SECRET' }, input: z.object({ action: z.string(), issue: z.object({ number: z.int() }) })`,
    ),
    'plugins/pay.ts': hook(`verify: { stripe: ['STRIPE_NEW', 'STRIPE_OLD'] }`),
    'plugins/chat.ts': hook(`verify: { slack: 'SLACK_SECRET' }`),
    'plugins/shop.ts': hook(`verify: { bearer: 'SHOP_KEY' }, key: 'order.id', maxBody: '1KB', perMinute: 20`),
    'plugins/full.ts': hook(`verify: { bearer: 'SHOP_KEY' }, maxWaiting: 2`),
    'plugins/issue-triage.ts': read('docs/recipes/issue-triage.ts'),
    'plugins/post-file.ts': plugin('return context.job.input;', ''),
    'plugins/none.ts': plugin('return 1;', ''),
    'plugins/lost.ts': hook(`verify: { bearer: 'NOWHERE' }`),
    'config/daruma.yaml': 'web: { port: 0 }\n',
  });
  await place.start();
  ({ url } = await pageOf(place));
});
afterAll(() => place?.leave());

async function deliver(agent: string, headers: Record<string, string>, body: string | Buffer) {
  const answer = await ask(`${url}/hooks/${agent}`, { method: 'POST', headers, body });
  const { 'content-type': type = '' } = answer.headers;
  return { ...answer, json: type.includes('json') ? JSON.parse(answer.text) : undefined };
}
const jobOf = async (id: string) =>
  (
    await place.until(
      () => place.daruma('jobs', id, '--json'),
      ({ json }) => json.state === 'done',
    )
  ).json;

describe('a delivery', () => {
  it('by curl, signed as GitHub signs, is a job before it is answered, and one job however often it comes', async () => {
    // What an editor would not write: the bytes are signed, not what they mean.
    const body = opened(4711);
    writeFileSync(join(place.folder, 'delivery.json'), body);
    const args = ['--silent', '--show-error', '--write-out', '%{http_code}', '--data-binary', '@delivery.json'];
    for (const [name, value] of Object.entries(signed.github('octo-secret', body, '72d3162e-cc78'))) {
      args.push('--header', `${name}: ${value}`);
    }
    const curl = () =>
      new Promise<{ status: number; json: ReturnType<typeof JSON.parse> }>((resolve, reject) => {
        execFile('curl', [...args, `${url}/hooks/triage`], { cwd: place.folder }, (error, stdout) => {
          if (error) return reject(error);
          const [text, status] = stdout.split('\n');
          resolve({ status: Number(status), json: JSON.parse(text!) });
        });
      });
    const first = await curl();
    expect(first).toEqual({
      status: 202,
      json: { job: expect.any(String), state: 'queued', delivery: '72d3162e-cc78', note: null, repeated: false },
    });
    const job = await jobOf(first.json.job);
    const input = { event: 'issues', delivery: '72d3162e-cc78', body: JSON.parse(body) };
    expect(job).toMatchObject({ trigger: 'webhook', key: '72d3162e-cc78', input });
    // The plugin’s schema names two fields: `run` is given what it makes of the body.
    expect(job.result.input).toEqual({ ...input, body: { action: 'opened', issue: { number: 4711 } } });
    const again = await curl();
    expect(again).toMatchObject({ status: 200, json: { job: first.json.job, state: 'done', repeated: true } });
    expect((await place.daruma('jobs', 'triage', '--json')).json).toHaveLength(1);
  });

  it('by the commands of docs/hooks.md runs the recipe', async () => {
    const commands = /```sh\n([\s\S]+?)```/.exec(read('docs/hooks.md'))![1]!;
    writeFileSync(join(place.folder, 'delivery.json'), opened(12));
    const env = { ...process.env, SECRET: 'octo-secret', ID: 'd-12', URL: `${url}/hooks/issue-triage` };
    const said = await new Promise<string>((resolve, reject) => {
      const done = (error: Error | null, stdout: string) => (error ? reject(error) : resolve(stdout));
      execFile('sh', ['-e', '-c', commands], { cwd: place.folder, env }, done);
    });
    expect((await jobOf(JSON.parse(said).job)).result).toEqual({ posted: true });
    const [post] = (await place.daruma('jobs', 'post-file', '--json')).json;
    expect(post).toMatchObject({
      key: 'issue:d-12',
      input: { title: 'octo-org/shop #12', text: expect.stringContaining('“Ünïcode” 12 🎏 https://') },
    });
  });

  it('of Stripe, Slack and a plain program is taken by its own rules', async () => {
    const charge = '{"id":"evt_1","type":"charge.failed","data":{}}';
    const [old, repeated] = [
      await deliver('pay', signed.stripe('whsec_old', charge), charge),
      await deliver('pay', signed.stripe('whsec_new', charge), charge),
    ];
    expect([old.status, repeated.status, repeated.json.job]).toEqual([202, 200, old.json.job]);
    expect((await jobOf(old.json.job)).input).toMatchObject({ event: 'charge.failed', delivery: 'evt_1' });

    const challenge = '{"type":"url_verification","challenge":"3eZbrw1aB"}';
    const asked = await deliver('chat', signed.slack('slack-secret', challenge), challenge);
    expect([asked.status, asked.json]).toEqual([200, { challenge: '3eZbrw1aB' }]);
    const form = 'command=%2Fdeploy&text=now&trigger_id=13345224609.738474920';
    const type = 'application/x-www-form-urlencoded';
    const command = await deliver('chat', signed.slack('slack-secret', form, type), form);
    expect([command.status, command.text]).toEqual([200, '']);
    const [job] = (await place.daruma('jobs', 'chat', '--json')).json;
    expect(job.input).toEqual({
      event: 'slash_command',
      delivery: '13345224609.738474920',
      body: { command: '/deploy', text: 'now', trigger_id: '13345224609.738474920' },
    });

    const order = '{"order":{"id":17}}';
    const bought = await deliver('shop', signed.bearer('shop-key-1'), order);
    expect([bought.status, bought.json.delivery]).toEqual([202, '17']);
    const ping = '{"zen":"Keep it logically awesome."}';
    const pong = await deliver('triage', signed.github('octo-secret', ping, 'd-0', 'ping'), ping);
    expect([pong.status, pong.json]).toEqual([200, { pong: true }]);
  });

  it('that proves nothing gets one answer, whatever is wrong with it', async () => {
    const body = opened(1);
    const right = signed.github('octo-secret', body, 'd-1');
    const late = signed.stripe('whsec_new', body, Date.now() - 400_000);
    const answers = await Promise.all([
      deliver('nobody', right, body),
      deliver('none', right, body),
      deliver('lost', signed.bearer('x'), body),
      deliver('triage', signed.github('wrong', body, 'd-1'), body),
      deliver('triage', { ...right, 'x-hub-signature-256': '' }, body),
      deliver('triage', { 'content-type': 'application/json' }, body),
      deliver('triage', right, `${body} `),
      deliver('pay', late, body),
      deliver('shop', { ...signed.bearer('shop-key-1'), authorization: 'Basic shop-key-1' }, body),
      deliver('%00', right, body),
      deliver('__proto__', right, body),
    ]);
    const seen = answers.map(({ status, text, headers }) => [status, text, headers['content-type']]);
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(seen[0]).toEqual([404, expect.stringContaining('HOOK_UNKNOWN'), 'application/json']);
    expect((await place.daruma('jobs', 'triage', '--json')).json).toHaveLength(1);
    const foreign = await deliver('triage', { ...right, host: 'evil.example' }, body);
    expect(foreign.status).toBe(421);
    expect((await ask(`${url}/hooks/triage`)).status).toBe(405);
  });

  it('that can be no job is refused with the reason', async () => {
    const github = async (body: string, type = 'application/json') => {
      const headers = { ...signed.github('octo-secret', body, 'd-2'), 'content-type': type };
      const { status, json } = await deliver('triage', headers, body);
      return [status, json.error.code, json.error.message];
    };
    expect(await github('{"action":"opened"}')).toEqual([422, 'INPUT_INVALID', expect.stringContaining('body.issue')]);
    expect(await github('{')).toEqual([400, 'HOOK_BODY', expect.any(String)]);
    expect(await github('<x/>', 'text/xml')).toEqual([415, 'HOOK_TYPE', expect.any(String)]);
    const long = JSON.stringify({ text: 'x'.repeat(1_100) });
    expect((await deliver('shop', signed.bearer('shop-key-1'), long)).status).toBe(413);
    expect((await deliver('shop', signed.bearer('shop-key-1'), '{"order":{}}')).status).toBe(422);
    const huge = await deliver('shop', signed.bearer('shop-key-1'), 'x'.repeat(1_100_000)).then(
      ({ status }) => status,
      () => 'closed',
    );
    expect([413, 'closed']).toContain(huge);
  });

  it('is queued for an agent that is paused, with words; and refused for a while when too many wait or come', async () => {
    await place.daruma('pause', 'full');
    const send = () => deliver('full', signed.bearer('shop-key-1'), '{}');
    const [one, two, three] = [await send(), await send(), await send()];
    expect([one.status, one.json.note, two.status]).toEqual([202, 'full is paused', 202]);
    expect([three.status, three.json.error.code, three.headers['retry-after']]).toEqual([503, 'HOOK_FULL', '10']);
    await place.daruma('resume', 'full');
    await jobOf(two.json.job);
    // The refused one was signed, and is given to the agent now that it has room; once.
    const [kept] = (await place.daruma('deliveries', 'full', '--json')).json.deliveries;
    expect(kept).toMatchObject({ is: 'refused', job: null, reason: '2 jobs of full wait already' });
    const again = await place.until(
      () => place.daruma('deliveries', '--again', kept.refusal, '--json'),
      ({ code }) => code === 0,
    );
    expect((await jobOf(again.json.id)).input).toEqual({ event: null, delivery: null, body: {} });
    const { json: twice } = await place.daruma('deliveries', '--again', kept.refusal, '--json');
    expect(twice.error.code).toBe('DELIVERY_UNKNOWN');
    const after = (await place.daruma('deliveries', 'full', '--json')).json.deliveries;
    expect(after.map(({ is }: { is: string }) => is)).toEqual(['queued', 'queued', 'queued']);
    const statuses: number[] = [];
    for (let at = 0; at < 30; at++) {
      const body = JSON.stringify({ order: { id: `o-${at}` } });
      const { status, headers } = await deliver('shop', signed.bearer('shop-key-1'), body);
      statuses.push(status);
      if (status === 429) expect(headers['retry-after']).toBe('5');
    }
    expect(new Set(statuses)).toEqual(new Set([202, 429]));
  });
});

describe('deliveries', () => {
  it('are listed with what came of them, those that proved nothing as a count; and are given once more', async () => {
    const { json } = await place.daruma('deliveries', 'triage', '--json');
    const seen = json.deliveries.map(({ is, event, delivery, state, reason }: Record<string, unknown>) => {
      return [is, event, delivery, state, reason];
    });
    expect(seen).toEqual([
      ['refused', 'issues', 'd-2', null, expect.stringContaining('application/json')],
      ['refused', 'issues', 'd-2', null, expect.stringContaining('JSON')],
      ['refused', 'issues', 'd-2', null, expect.stringContaining('body.issue')],
      ['answered', 'ping', 'd-0', null, null],
      ['queued', 'issues', '72d3162e-cc78', 'done', null],
    ]);
    const reasons = json.unproven.map(({ reason, count }: Record<string, unknown>) => `${count} ${reason}`);
    expect(reasons.sort()).toEqual(['2 signature missing', '2 signature wrong']);
    const all = await place.daruma('deliveries');
    expect(all.stdout).toMatch(/3 to nobody: no such agent/);
    expect(all.stdout).toMatch(/1 to lost: secret missing/);
    expect(all.stdout).not.toContain('octo-secret');
    // Of what proved nothing the headers are kept, without those that prove; and no body that could be given to anybody.
    const wrong = json.unproven.find((one: { reason: string }) => one.reason === 'signature wrong');
    expect(wrong.newest[0]).toEqual({
      at: expect.any(String),
      headers: { 'content-type': 'application/json', 'x-github-delivery': 'd-1', 'x-github-event': 'issues' },
      bytes: expect.any(Number),
    });
    const kept = readdirSync(join(place.folder, 'data/deliveries'));
    expect(kept.filter((name) => name.startsWith('unproven-') && name.endsWith('.body'))).toEqual([]);
    const stranger = kept.find((name) => name.startsWith('unproven-'))!.replace('.json', '');
    expect((await place.daruma('deliveries', '--again', stranger, '--json')).json.error.code).toBe('DELIVERY_UNKNOWN');
    // A body that the schema refused is refused again, and stays.
    const { refusal } = json.deliveries[2];
    const refusedAgain = await place.daruma('deliveries', '--again', refusal, '--json');
    expect(refusedAgain.json.error.code).toBe('INPUT_INVALID');
    expect(kept).toContain(`${refusal}.body`);

    const { job: first } = json.deliveries.at(-1);
    const again = await place.daruma('deliveries', '--again', first, '--json');
    expect(again.json).toMatchObject({ agent: 'triage', trigger: 'webhook', key: null });
    const [one, two] = [await jobOf(first), await jobOf(again.json.id)];
    expect([two.input, two.result.input]).toEqual([one.input, one.result.input]);
    const { code } = await place.daruma('deliveries', '--again', (await place.daruma('run', 'none', '--json')).json.id);
    expect(code).toBe(1);
  });

  it('are counted for Prometheus, by agent and outcome', async () => {
    const { text } = await ask(`${url}/metrics`);
    const count = (labels: string) =>
      Number(new RegExp(`^daruma_deliveries_total\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1]);
    expect(count('agent="triage",outcome="queued",reason=""')).toBe(1);
    expect(count('agent="triage",outcome="repeated",reason=""')).toBe(1);
    expect(count('agent="triage",outcome="refused",reason="INPUT_INVALID"')).toBe(1);
    expect(count('agent="triage",outcome="refused",reason="signature wrong"')).toBe(2);
    expect(count('agent="",outcome="refused",reason="no such agent"')).toBe(3);
  });

  it('are named where somebody asks why an agent without a schedule runs', async () => {
    const { json } = await place.daruma('why', 'triage', '--json');
    expect(json.sentence).toBe(
      'triage has no schedule: deliveries to /hooks/triage start it, and daruma deliveries triage has what came.',
    );
  });

  it('tell which secret is missing for them, and where it is named', async () => {
    const { json } = await place.daruma('check', '--json');
    expect(json.problems).toContainEqual(
      expect.objectContaining({
        code: 'SECRET_MISSING',
        file: 'plugins/lost.ts',
        data: { agent: 'lost', secret: 'NOWHERE' },
      }),
    );
    const { secrets } = (await place.daruma('secrets', '--json')).json;
    expect(secrets).toContainEqual(expect.objectContaining({ name: 'STRIPE_OLD', where: '.env', agents: ['pay'] }));
  });
});

describe('a flood', () => {
  it('of a thousand bad deliveries costs no agent a slot, and proves nothing', async () => {
    const before = (await place.daruma('jobs', 'triage', '--json')).json.length;
    const body = opened(1);
    const large = 'x'.repeat(50_000);
    const statuses = new Set<number>();
    for (let at = 0; at < 1_000; at += 20) {
      const sent = Array.from({ length: 20 }, (_, i) => {
        const agent = ['triage', 'pay', 'chat', 'shop', `nobody-${at + i}`][i % 5]!;
        const text = i === 0 ? large : body;
        return deliver(agent, signed.github('wrong', text, `d-${at + i}`), text);
      });
      for (const { status } of await Promise.all(sent)) statuses.add(status);
    }
    expect([...statuses].filter((status) => status !== 404 && status !== 429)).toEqual([]);
    expect((await place.daruma('jobs', 'triage', '--json')).json).toHaveLength(before);
    const unproven = readdirSync(join(place.folder, 'data/deliveries')).filter((name) => name.startsWith('unproven-'));
    expect(unproven.length).toBeLessThanOrEqual(25);
    const client = await connectControl(readHostFile(place.folder)!.socket);
    const from = new Date(Date.now() - 20_000).toISOString();
    const states = await place.until(
      () => client.ask('slots', { agent: 'tick', from, to: new Date(Date.now() - 2_000).toISOString() }),
      (slots) => slots.every(({ state }) => state !== 'planned'),
    );
    client.close();
    expect([...new Set(states.map(({ state }) => state))]).toEqual(['ran']);
  });
});
