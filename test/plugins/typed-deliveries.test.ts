import { expect, expectTypeOf, it } from 'vitest';
import { type Delivery, definePlugin, type Json, z } from '../../src/index.ts';

it('a delivery has the type of its body, and is null for a job that no delivery made', () => {
  const plugin = definePlugin({
    about: 'Sorts issues.',
    webhook: { verify: { github: 'GITHUB_SECRET' }, input: z.object({ issue: z.object({ number: z.int() }) }) },
    needs: { secrets: ['TOKEN'] },
    run({ job, secrets }) {
      expectTypeOf(job.input).toEqualTypeOf<Delivery<{ issue: { number: number } }> | null>();
      expectTypeOf(secrets).toEqualTypeOf<Readonly<Record<'TOKEN', string>>>();
      return job.input?.body.issue.number;
    },
  });
  definePlugin({
    about: 'Takes any body.',
    webhook: { verify: { bearer: ['NEW', 'OLD'] } },
    run: ({ job }) => expectTypeOf(job.input).toEqualTypeOf<Json>(),
  });
  definePlugin({
    about: 'Says itself what it is given.',
    webhook: { verify: { stripe: 'STRIPE_SECRET' }, key: 'data.object.id' },
    input: z.object({ event: z.literal('charge.failed'), body: z.unknown() }),
    run: ({ job }) => expectTypeOf(job.input.event).toEqualTypeOf<'charge.failed'>(),
  });
  // @ts-expect-error no sender signs so
  definePlugin({ about: 'Another form.', webhook: { verify: { gitlab: 'SECRET' } }, run() {} });
  expect(plugin.webhook?.verify).toEqual({ github: 'GITHUB_SECRET' });
});
