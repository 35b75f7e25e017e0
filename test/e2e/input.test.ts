import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

const MAIL = plugin(
  'return context.job.input;',
  `
  on: ['order.placed'],
  input: z.union([
    z.object({ to: z.string(), again: z.int().default(3), code: z.string().regex(/^[a-z]+$/).optional() }),
    z.object({ topic: z.string(), from: z.string(), data: z.object({ to: z.string() }) }),
  ]),`,
);

it('checks what jobs are given at each door, and says what fits', async () => {
  place = installation({
    'plugins/mail.ts': MAIL,
    'plugins/sender.ts': plugin("return context.send('mail', context.job.input);"),
    'plugins/shop.ts': plugin("return context.emit('order.placed', context.job.input);"),
    'plugins/early.ts': plugin('', "schedule: '0 0 1 1 *', input: z.object({ n: z.int() }),"),
  });
  await place.start();
  const { daruma, until } = place;

  const done = await daruma('run', 'mail', '--with', 'to=a', '--wait', '--json');
  expect(done.json.result).toEqual({ to: 'a', again: 3 });
  const refused = await daruma('run', 'mail', '--with', 'too=a');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('what mail is given does not fit: input');
  expect((await daruma('run', 'mail', '--json')).json.error.code).toBe('INPUT_INVALID');

  // The sender is told, and not tried again.
  const sent = await daruma('run', 'sender', '--with', 'to=7', '--wait', '--json');
  expect(sent.json).toMatchObject({ state: 'dead', attempt: 1, error: { code: 'INPUT_INVALID' } });
  // Who emits is not to blame for who listens: the job of the listener is a dead letter at once, with the place.
  expect((await daruma('run', 'shop', '--with', 'to=7', '--wait')).code).toBe(0);
  const [dead] = await until(
    async () => (await daruma('jobs', 'mail', '--state', 'dead', '--json')).json,
    (jobs) => jobs.length === 1,
  );
  expect(dead).toMatchObject({ attempt: 1, trigger: 'event', error: { code: 'INPUT_INVALID' } });
  expect(dead.error.message).toMatch(/^what the job was given does not fit: input/);
  // What only the plugin's own schema knows, the worker says.
  const pattern = await daruma('run', 'mail', '--with', 'to=a', '--with', 'code=A1', '--wait', '--json');
  expect(pattern.json).toMatchObject({ state: 'dead', attempt: 1, error: { code: 'INPUT_INVALID' } });

  const shown = await daruma('agents', 'mail');
  expect(shown.stdout).toContain('input      { to: string, again?: integer, code?: string } | { topic: string');
  expect((await daruma('agents', 'mail', '--json')).json.input.takesNothing).toBe(false);
  expect((await daruma('agents', 'mial')).stderr).toContain('did you mean mail?');
  const { json } = await daruma('check', '--json');
  expect(json.problems).toMatchObject([{ code: 'INPUT_NEEDED', file: 'plugins/early.ts' }]);
});
