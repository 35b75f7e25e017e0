import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

const NEEDS = "needs: { secrets: ['SHOP_TOKEN'] }, schedule: '* * * * * *', workers: { min: 1, max: 1 },";

it('starts nothing of an agent whose secret is missing, says so everywhere, and goes on by itself when it is there', async () => {
  place = installation(
    {
      'plugins/shop.ts': plugin(
        'context.log.info("the token is " + context.secrets.SHOP_TOKEN); return { length: context.secrets.SHOP_TOKEN.length, env: process.env.SHOP_TOKEN ?? null };',
        NEEDS,
      ),
    },
    undefined,
    { alone: true },
  );
  const { daruma, until, write, folder } = place;
  await place.start();
  const queued = await daruma('run', 'shop', '--json');
  expect(queued.json).toMatchObject({ state: 'queued' });

  const { code, json: status } = await daruma('status', '--json');
  expect(code).toBe(3);
  expect(status.agents[0]).toMatchObject({
    state: 'needs setup',
    problem: { code: 'SECRET_MISSING', file: 'plugins/shop.ts' },
  });
  expect(status.incidents.open).toBe(0);
  expect((await daruma('status')).stdout).toContain('needs setup');
  const check = await daruma('check');
  expect(check.code).toBe(3);
  expect(check.stdout).toContain('shop needs the secret SHOP_TOKEN');
  const listed = await daruma('secrets', '--json');
  expect(listed.code).toBe(3);
  expect(listed.json.secrets).toMatchObject([{ name: 'SHOP_TOKEN', where: null, agents: ['shop'] }]);
  const skipped = await until(
    () => daruma('why', 'shop', '--json'),
    ({ json }) => json.state === 'skipped',
  );
  expect(JSON.stringify(skipped.json)).toContain('needs the secret SHOP_TOKEN');
  expect((await daruma('jobs', 'shop')).stdout).toContain('needs the secret SHOP_TOKEN');

  write('.env', 'SHOP_TOKEN=hunter2-and-more\nUNRELATED=1\n');
  chmodSync(join(folder, '.env'), 0o600);
  expect((await daruma('secrets', '--json')).json).toMatchObject({
    secrets: [{ name: 'SHOP_TOKEN', where: '.env' }],
    envFile: { unused: ['UNRELATED'] },
  });
  const done = await until(
    () => daruma('jobs', queued.json.id, '--json'),
    ({ json }) => json.state === 'done',
  );
  // No attempt was lost, and .env is nobody's environment.
  expect(done.json).toMatchObject({ attempt: 1, result: { length: 16, env: null } });

  write('.env', 'SHOP_TOKEN=rotated-key\n');
  await daruma('secrets');
  await until(
    () => daruma('run', 'shop', '--wait', '--json'),
    ({ json }) => json.result?.length === 11,
  );
  const log = (await daruma('logs', '-n', '500')).stdout;
  expect(log).toContain('the token is [secret]');
  expect(log).not.toMatch(/hunter2|rotated-key/);
  expect(log).not.toContain('secrets.js');
  expect((await daruma('incidents', '--json')).json).toEqual([]);
});
