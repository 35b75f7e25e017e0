import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInputCheck } from '../../src/catalog/files/input-check.ts';
import { makeWorld, plugin, type World } from './world.ts';

const hook = (rest: string) => plugin('hook', `webhook: { ${rest} },`);

describe('the deliveries of an agent', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld({
      'plugins/triage.ts': hook(
        `verify: { github: 'GITHUB_SECRET' }, input: z.object({ issue: z.object({ number: z.int() }) })`,
      ),
      'plugins/pay.ts': hook(`verify: { stripe: ['STRIPE_NEW', 'STRIPE_OLD'] }, key: 'data.object.id', maxBody: '1MB'`),
      'agents/pay-eu.yaml': 'plugin: pay\nwebhook: { verify: { stripe: STRIPE_EU }, maxBody: 64KB, maxWaiting: 5 }\n',
      'agents/pay-off.yaml': 'plugin: pay\nwebhook: false\n',
      'plugins/two.ts': plugin(
        'two',
        `webhook: { verify: { bearer: 'KEY' }, input: z.object({}) }, input: z.object({}),`,
      ),
      'plugins/code.ts': hook(`verify: { bearer: 'KEY' }, input: 7 as never`),
      'plugins/both.ts': hook(`verify: { bearer: 'KEY', github: 'SECRET' } as never`),
      'plugins/none.ts': plugin('none', `webhook: { key: 'id' } as never,`),
      'plugins/quiet.ts': plugin('quiet', ''),
      'agents/quiet-hook.yaml': 'plugin: quiet\nwebhook: { verify: { bearer: KEY } }\n',
      'agents/pay-slack.yaml': 'plugin: pay\nwebhook: { verify: { slack: KEY } }\n',
      'agents/pay-big.yaml': 'plugin: pay\nwebhook: { maxBody: 2MB }\n',
    });
  });
  afterAll(() => world.end());

  it('are a trigger, with defaults', () => {
    expect(world.agent('triage').webhook).toEqual({
      form: 'github',
      secrets: ['GITHUB_SECRET'],
      maxBodyBytes: 256 * 1024,
      perMinute: 600,
      maxWaiting: 10_000,
    });
    expect(world.listing('triage')).toMatchObject({ is: 'live', why: 'takes deliveries at /hooks/triage' });
  });

  it('are bounded, signed by another secret or switched off by an agent file', () => {
    expect(world.agent('pay-eu').webhook).toEqual({
      form: 'stripe',
      secrets: ['STRIPE_EU'],
      key: 'data.object.id',
      maxBodyBytes: 64 * 1024,
      perMinute: 600,
      maxWaiting: 5,
    });
    expect(world.agent('pay-off').webhook).toBeUndefined();
    expect(world.listing('pay-off')).toMatchObject({ is: 'idle' });
    const said = world.catalog.origins('pay-eu')!.find(({ path }) => path === 'webhook.verify.stripe');
    expect(said).toEqual({
      path: 'webhook.verify.stripe',
      value: ['STRIPE_EU'],
      origin: expect.stringMatching(/^agents\/pay-eu\.yaml:2:\d+$/),
    });
  });

  it('have a schema of their body, which is the schema of inputs: nothing, or a delivery', () => {
    const check = createInputCheck();
    const agent = world.agent('triage');
    const wrong = (input: unknown) => check(agent, input === null ? null : JSON.stringify(input))?.message;
    expect(wrong(null)).toBeUndefined();
    expect(wrong({ event: 'issues', delivery: null, body: { issue: { number: 3 }, more: true } })).toBeUndefined();
    expect(wrong({ event: 'issues', delivery: null, body: { issue: { number: 'x' } } })).toContain(
      'input.body.issue.number',
    );
    expect(wrong({ issue: { number: 3 } })).toContain('input.body');
  });

  it.each([
    ['plugins/two.ts', 'PLUGIN_INVALID', 'webhook.input stands beside `input`', undefined],
    ['plugins/code.ts', 'PLUGIN_INVALID', 'webhook.input is a number: expected a zod schema', undefined],
    ['plugins/both.ts', 'PLUGIN_INVALID', 'expected one of github, stripe, slack and bearer', 5],
    ['plugins/none.ts', 'PLUGIN_INVALID', 'webhook.verify is missing', 5],
    ['agents/quiet-hook.yaml', 'WEBHOOK_INVALID', 'the plugin takes no deliveries', 2],
    ['agents/pay-slack.yaml', 'WEBHOOK_INVALID', 'of the form stripe', 2],
    ['agents/pay-big.yaml', 'AGENT_FILE_INVALID', 'is too large; the most is 1MB', 2],
  ])('of %s are refused, with the place', async (file, code, message, line) => {
    await world.until(`${file} is refused`, () => world.problem(file) !== undefined);
    const fault = world.problem(file)!;
    expect(fault).toMatchObject({ code, file, message: expect.stringContaining(message) });
    expect(fault.line).toBe(line);
  });
});
