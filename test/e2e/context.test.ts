import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

it('sends jobs to agents and events to those that listen, each on disk before the sender goes on', async () => {
  place = installation({
    'plugins/sender.ts': plugin(`
      const id = await context.send('receiver', { n: 1 }, { key: 'one' });
      const again = await context.send('receiver', { n: 2 }, { key: 'one' });
      return { id, same: id === again, heard: await context.emit('news', { text: 'hi' }) };`),
    'plugins/receiver.ts': plugin('return context.job.input;'),
    'plugins/listener.ts': plugin('return context.job.input;', 'on: ["news"],'),
  });
  const { daruma, until } = place;
  await place.start();
  const sent = await daruma('run', 'sender', '--wait', '--json');
  expect(sent.json.result).toMatchObject({ same: true, heard: 1 });
  const received = await until(
    () => daruma('jobs', sent.json.result.id, '--json'),
    ({ json }) => json.state === 'done',
  );
  expect(received.json).toMatchObject({ agent: 'receiver', trigger: 'send', key: 'one', result: { n: 1 } });
  const heard = await until(
    () => daruma('jobs', 'listener', '--json'),
    ({ json }) => json[0]?.state === 'done',
  );
  expect(heard.json).toMatchObject([
    { trigger: 'event', result: { topic: 'news', from: 'sender', data: { text: 'hi' } } },
  ]);
});

it('refuses to send to an agent that does not exist, and says which one was meant', async () => {
  place = installation({
    'plugins/sender.ts': plugin('await context.send("reciever", {});', 'limits: { attempts: 1 },'),
    'plugins/receiver.ts': plugin('return 1;'),
  });
  await place.start();
  const { json } = await place.daruma('run', 'sender', '--wait', '--json');
  expect(json.error.message).toContain('reciever, which is no agent here');
});

it('with a secret whose file cannot be read needs setup, alone; the others work', async () => {
  place = installation({
    'plugins/locked.ts': plugin('return 1;', 'needs: { secrets: ["LOCKED_TOKEN"] }, limits: { attempts: 1 },'),
    'plugins/other.ts': plugin('return 2;'),
  });
  // A folder is what root cannot read either.
  process.env.LOCKED_TOKEN_FILE = place.folder;
  try {
    await place.start();
    const { json } = await place.daruma('status', 'locked', '--json');
    expect(json.agents[0]).toMatchObject({
      state: 'needs setup',
      problem: { code: 'SECRET_UNREADABLE', message: expect.stringContaining('cannot be read') },
    });
    expect((await place.daruma('run', 'other', '--wait', '--json')).json).toMatchObject({ state: 'done', result: 2 });
  } finally {
    delete process.env.LOCKED_TOKEN_FILE;
  }
});

it('does an effect once in the life of a job, whatever happens to its attempts', async () => {
  place = installation({
    'plugins/careful.ts': plugin(
      `const n = await context.once('pay', async () => { const n = (await context.state.get('paid') ?? 0) + 1; await context.state.set('paid', n); return n; });
       if (context.job.attempt < 3) throw new Error('after the effect');
       return { n, attempt: context.job.attempt };`,
      'limits: { attempts: 4, backoff: { first: "5ms", longest: "5ms" } },',
    ),
  });
  await place.start();
  const { json } = await place.daruma('run', 'careful', '--wait', '--json');
  expect(json).toMatchObject({ state: 'done', result: { n: 1, attempt: 3 } });
});

it('hands out the declared secrets and nothing else, and shows none of them anywhere', async () => {
  const secret = 'tok-4f9a8b7c6d5e';
  place = installation({
    'plugins/keeper.ts': plugin(
      `context.log.info('using ' + context.secrets.SHOP_TOKEN);
       console.log('and on the console ' + context.secrets.SHOP_TOKEN);
       return { known: context.secrets.SHOP_TOKEN.length, other: process.env.OTHER_SECRET ?? null, names: Object.keys(process.env).filter((name) => /SECRET|TOKEN/.test(name)) };`,
      'needs: { secrets: ["SHOP_TOKEN"] },',
    ),
    'plugins/curious.ts': plugin('return { seen: context.secrets.SHOP_TOKEN ?? null };'),
  });
  process.env.SHOP_TOKEN = secret;
  process.env.OTHER_SECRET = 'never-to-be-seen';
  try {
    await place.start();
  } finally {
    delete process.env.SHOP_TOKEN;
    delete process.env.OTHER_SECRET;
  }
  const { json } = await place.daruma('run', 'keeper', '--wait', '--json');
  expect(json.result).toEqual({ known: secret.length, other: null, names: [] });
  expect((await place.daruma('run', 'curious', '--wait', '--json')).json).toMatchObject({
    state: expect.stringMatching(/done|dead|retrying/),
  });
  const logs = await place.until(
    () => place!.daruma('logs', 'keeper', '--json'),
    ({ stdout }) => stdout.includes('on the console'),
  );
  expect(logs.stdout).toContain('using [secret]');
  const everything = [
    logs.stdout,
    (await place.daruma('status', '--json')).stdout,
    (await place.daruma('config', 'show', 'keeper', '--json')).stdout,
  ];
  for (const text of everything) expect(text).not.toContain(secret);
});

it('says which secret is missing and what to do', async () => {
  place = installation({
    'plugins/needy.ts': plugin('return 1;', 'needs: { secrets: ["NO_SUCH_TOKEN"] }, limits: { attempts: 1 },'),
  });
  await place.start();
  await place.daruma('run', 'needy', '--json');
  const { json } = await place.daruma('jobs', 'needy', '--json');
  expect(json[0]).toMatchObject({
    state: 'queued',
    attempt: 0,
    holdUp: {
      is: 'setup',
      text: expect.stringContaining('NO_SUCH_TOKEN'),
      next: expect.stringContaining('NO_SUCH_TOKEN'),
    },
  });
});

it('puts a plugin to work twice through agent files, each with its own settings, and tells where a value comes from', async () => {
  const greet = plugin(
    'return context.settings.word;',
    'settings: z.strictObject({ word: z.string().default("hi") }),',
  );
  place = installation({
    'plugins/greet.ts': greet,
    'agents/greet-north.yaml': 'plugin: greet\nsettings:\n  word: moin\n',
    'agents/greet-south.yaml': 'plugin: greet\nsettings: { word: servus }\n',
  });
  await place.start();
  expect((await place.daruma('run', 'greet-north', '--wait', '--json')).json.result).toBe('moin');
  expect((await place.daruma('run', 'greet-south', '--wait', '--json')).json.result).toBe('servus');
  expect((await place.daruma('run', 'greet', '--json')).json.error.code).toBe('AGENT_UNKNOWN');
  const shown = await place.daruma('config', 'show', 'greet-north', '--json');
  expect(JSON.stringify(shown.json)).toContain('agents/greet-north.yaml:3');

  place.write('agents/greet-north.yaml', 'plugin: greet\nsettings:\n  wrod: moin\n');
  const { json } = await place.until(
    () => place!.daruma('check', '--json'),
    (said) => said.json.problems.length > 0,
  );
  expect(json.problems[0]).toMatchObject({
    file: 'agents/greet-north.yaml',
    line: 3,
    message: expect.stringContaining('wrod'),
  });
  expect((await place.daruma('run', 'greet-north', '--wait', '--json')).json.result).toBe('moin');
});

it('changes an agent’s log level while it runs', async () => {
  place = installation({
    'plugins/chatty.ts': plugin('context.log.debug("deep"); context.log.info("plain"); return 1;'),
    'plugins/fails.ts': plugin(
      'context.log.info("asked for the price"); throw new Error("no price");',
      'limits: { attempts: 1 },',
    ),
  });
  await place.start();
  await place.daruma('run', 'chatty', '--wait');
  await place.daruma('level', 'chatty', 'debug');
  await place.daruma('run', 'chatty', '--wait');
  const { stdout } = await place.until(
    () => place!.daruma('logs', 'chatty', '--json', '--level', 'debug'),
    (said) => said.stdout.includes('deep'),
  );
  const said = JSON.parse(stdout).map((line: { msg: string }) => line.msg);
  expect(said.filter((msg: string) => msg === 'deep')).toHaveLength(1);
  expect(said.filter((msg: string) => msg === 'plain')).toHaveLength(2);
  const worker = async () => (await place!.daruma('status', '--json')).json.workers;
  // Of its file: the worker that runs follows it, and is not replaced.
  await place.daruma('level', 'chatty', 'info', '--for', '1ms');
  const before = JSON.stringify(await worker());
  place.write('agents/chatty.yaml', 'plugin: chatty\nlogs:\n  level: error\n');
  const logged = async () => {
    const { json } = await place!.daruma('run', 'chatty', '--wait', '--json');
    return (await place!.daruma('logs', '--job', json.id, '--json')).json.map(({ msg }: { msg: string }) => msg);
  };
  await place.until(logged, (lines) => !lines.includes('plain'));
  expect(JSON.stringify(await worker())).toBe(before);
  const debugged = await place.daruma('logs', '--agent', 'chatty', '--debug', '--for', '1h', '-n', '1');
  expect(debugged.stderr).toContain('chatty logs from debug until');
  expect(await logged()).toEqual(expect.arrayContaining(['deep', 'plain']));
  // The last lines of a job that failed stay with it when the log is gone.
  const failed = (await place.daruma('run', 'fails', '--wait', '--json')).json;
  await place.stop();
  rmSync(join(place.folder, 'logs'), { recursive: true });
  const kept = await place.daruma('logs', '--job', failed.id, '--json');
  expect(kept.json).toMatchObject([{ level: 'info', agent: 'fails', job: failed.id, msg: 'asked for the price' }]);
  const shown = await place.daruma('jobs', failed.id, '--json');
  expect(shown.json.error).not.toHaveProperty('data');
  expect(shown.json.failures[0].lines).toMatchObject([{ message: 'asked for the price' }]);
});
