import { readFileSync } from 'node:fs';
import { expect, expectTypeOf, it } from 'vitest';
import pager from '../../docs/recipes/pager.ts';
import { definePlugin, type HostEvent, type Json, z } from '../../src/index.ts';
import { HOST_TOPICS } from '../../src/plugin/host-events.ts';
import { contextFor } from './context.ts';

it('the input of an agent that listens to the host is the event, with the data of its topic', () => {
  definePlugin({
    about: 'One topic.',
    on: ['job.dead'],
    run({ job }) {
      expectTypeOf(job.input).toEqualTypeOf<HostEvent<'job.dead'>>();
      expectTypeOf(job.input.data.attempts).toEqualTypeOf<number>();
    },
  });
  definePlugin({
    about: 'Two topics.',
    on: ['agent.paused', 'incident.healed'],
    run({ job }) {
      if (job.input.topic === 'incident.healed') return job.input.data.tookMs;
      // @ts-expect-error it is the data of the other topic
      return job.input.data.tookMs;
    },
  });
  definePlugin({
    about: 'Says itself what it takes.',
    on: ['job.dead'],
    input: z.strictObject({ n: z.number() }),
    run: ({ job }) => expectTypeOf(job.input).toEqualTypeOf<{ n: number }>(),
  });
  definePlugin({
    about: 'A topic of a plugin beside.',
    on: ['job.dead', 'price.moved'],
    run: ({ job }) => expectTypeOf(job.input).toEqualTypeOf<Json>(),
  });
  const names: string[] = ['job.dead'];
  definePlugin({ about: 'Names that only the run knows.', on: names, run: ({ job }) => job.input });
  expect(HOST_TOPICS).toContain('job.dead');
});

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');
const samples = [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, text]) => JSON.parse(text!) as HostEvent);

it('docs/events.md shows each topic, and an event that the example of the page takes', async () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+\.[a-z-]+)` \|/gm)].map(([, topic]) => topic);
  expect(rows).toEqual(HOST_TOPICS);
  const [dead] = samples;
  const sent: unknown[] = [];
  const { context } = contextFor(pager);
  const job = { ...context.job, input: dead as HostEvent<'job.dead'> };
  const send = async (...order: unknown[]) => String(sent.push(order));
  expect(await pager.run({ ...context, job, send: send as never })).toEqual({ title: 'job-9 of shop is dead' });
  expect(sent).toEqual([['post-file', { title: expect.any(String), text: dead!.message }, { key: 'event:812' }]]);
});
