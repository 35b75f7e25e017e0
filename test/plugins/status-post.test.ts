import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statusPost as postOf, SHORT, statusOf } from '../../plugins/lib/status.ts';
import { lengthOf } from '../../plugins/lib/text.ts';
import statusPost from '../../plugins/status-post.ts';
import { contextFor, llmSaying, runPlugin } from './context.ts';
import { agentOf, busyReport, reportOf } from './fleet-sample.ts';

const composeStatus = (...given: Parameters<typeof statusOf>) => postOf(statusOf(...given));

describe('the text', () => {
  it('tells of a day on which things went wrong, the worst first', () => {
    const { title, text } = composeStatus(busyReport(), 'UTC');
    expect(title).toBe('Daruma, Sunday 22 November 2026: 2 things need a look');
    expect(text).toBe(
      'Daruma, Sunday 22 November 2026: 2 things need a look. Needs a look: price-watch ' +
        '(crash-looping: 5 crashes in 10m, TypeError: prices is not iterable). Needs a look: price-watch ' +
        '(13 dead letters: prices is not iterable). 592 jobs of 9 agents in the last 24 hours, 97.8 % done. ' +
        '590 of 600 planned starts kept. 44 attempts failed and 13 jobs stayed undone. 1 incident healed without a person. 6 workers replaced. ' +
        'Last failure: price-watch, TypeError: prices is not iterable. Up 18 d.',
    );
  });

  it('tells of a limit before it is reached, and shortens by whole sentences for a network that takes less', () => {
    const disk = { agent: null, text: 'disk / has 12 % free.', next: 'daruma doctor', incident: null, since: null };
    const needs = [{ ...disk, hitsAt: '2026-11-25T03:00:00.000Z' }];
    const status = statusOf(reportOf({ agents: [agentOf('backup')], needs }), 'UTC');
    const { text } = postOf(status, 140);
    expect(text).toBe(
      'Daruma, Sunday 22 November 2026: all well. Ahead: disk / has 12 % free, at its limit on 2026-11-25 03:00. 1 of 1 planned start kept.',
    );
    expect(postOf(status).text).toContain('1 job of 1 agent in the last 24 hours, 100 % done.');
  });

  it('tells of a good day', () => {
    const agents = [agentOf('backup', { failedAttempts: 1 }), agentOf('post-file', { slotsKept: 0, p95Ms: 90 })];
    const { text } = composeStatus(reportOf({ agents }), 'UTC');
    expect(text).toBe(
      'Daruma, Sunday 22 November 2026: all well. 2 jobs of 2 agents in the last 24 hours, 100 % done. ' +
        '1 of 1 planned start kept. 1 attempt failed and every job was done in the end. ' +
        'Slowest: post-file, 95 % within 90 ms. Up 18 d.',
    );
  });

  it('reads well just after the first start', () => {
    const quiet = { done: 0, slotsKept: 0, p50Ms: null, p95Ms: null, p99Ms: null, state: 'new' };
    const report = reportOf({ agents: [agentOf('backup', quiet), agentOf('post-file', quiet)] });
    report.host.uptimeMs = 4_000;
    const { text, markdown } = composeStatus(report, 'UTC');
    expect(text).toBe(
      'Daruma, Sunday 22 November 2026: quiet. Nothing has ended yet; Daruma was started 4.0 s ago, 2 agents are ready.',
    );
    expect(markdown).not.toContain('|');
  });

  it('fits a micro-blog, whatever the agents and errors are called', () => {
    const anyAgent = fc.record({
      name: fc.string({ unit: 'grapheme', maxLength: 300 }),
      why: fc.string({ maxLength: 600 }),
    });
    fc.assert(
      fc.property(fc.array(anyAgent, { maxLength: 12 }), fc.string({ maxLength: 2_000 }), (named, error) => {
        const agents = named.map(({ name, why }) => agentOf(name, { why, state: 'quarantined', dead: 1 }));
        const failures = [{ job: 'j', agent: 'a', at: '2026-11-21T11:40:08.000Z', error, where: null }];
        const { text } = composeStatus(reportOf({ agents, failures }), 'UTC');
        expect(lengthOf(text)).toBeLessThanOrEqual(SHORT);
        expect(text).toMatch(/^Daruma, Sunday 22 November 2026: /);
        expect(text.isWellFormed()).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('status-post', () => {
  it('sends title, text and Markdown to each channel, under the name of its slot', async () => {
    const { sent, result, summary } = await runPlugin(statusPost, {
      report: busyReport(),
      slot: '2026-11-22T09:00:00.000Z',
      settings: { channels: ['post-file', 'mastodon'], timezone: 'Europe/Berlin' },
    });
    expect(sent.map(({ agent, key }) => [agent, key])).toEqual([
      ['post-file', 'status:2026-11-22T09:00:00.000Z'],
      ['mastodon', 'status:2026-11-22T09:00:00.000Z'],
    ]);
    expect(Object.keys(sent[0]!.input as object)).toEqual(['title', 'text', 'markdown']);
    expect(result.channels).toEqual(['post-file', 'mastodon']);
    expect(summary).toContain('2 things need a look');
  });

  it('a model words it where it is asked to, and the plain text goes where the words do not fit', async () => {
    const text = 'We ran 592 jobs of nine agents; price-watch crashes and needs a look, all others were on time.';
    const world = {
      report: busyReport(),
      settings: { wording: 'model', channels: ['post-file', { agent: 'tiny', length: 140 }] },
    };
    const { sent, result } = await runPlugin(statusPost, { ...world, llm: llmSaying({ text: text.repeat(2) }) });
    expect(sent.map(({ input }) => (input as { text: string }).text.startsWith('We ran'))).toEqual([true, false]);
    expect(result.worded).toBe(true);
  });

  it('the plain text stays where no model may be asked, and where a model makes up a figure', async () => {
    const invents = llmSaying({ text: 'We ran 593 jobs in the last day, and all of them went well.' });
    for (const llm of [undefined, invents, llmSaying(Object.assign(new Error('none'), { code: 'MODELS_DOWN' }))]) {
      const { sent, result } = await runPlugin(statusPost, {
        report: busyReport(),
        settings: { wording: 'model' },
        ...(llm && { llm }),
      });
      expect(sent[0]!.input).toMatchObject({ text: expect.stringContaining('592 jobs') });
      expect(result.worded).toBe(false);
    }
  });

  it('posts once a job when no schedule asked for it', async () => {
    const { sent } = await runPlugin(statusPost, { job: 'job-7' });
    expect(sent).toMatchObject([{ agent: 'post-file', key: 'status:job-7' }]);
  });

  it('tries every channel before it fails for one', async () => {
    const settings = { channels: ['gone', 'post-file'] };
    const { context, traces } = contextFor(statusPost, { settings, unknownAgents: ['gone'] });
    await expect(statusPost.run(context)).rejects.toThrow('no agent gone');
    expect(traces.sent.map(({ agent }) => agent)).toEqual(['post-file']);
  });
});
