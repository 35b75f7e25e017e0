import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeStatus, SHORT } from '../../plugins/lib/status.ts';
import { lengthOf } from '../../plugins/lib/text.ts';
import statusPost from '../../plugins/status-post.ts';
import { contextFor, runPlugin } from './context.ts';
import { agentOf, busyReport, reportOf } from './fleet-sample.ts';

describe('the text', () => {
  it('tells of a day on which things went wrong, the worst first', () => {
    const { title, text } = composeStatus(busyReport(), 'UTC');
    expect(title).toBe('Daruma, Sunday 22 November 2026: 1 agent needs a look');
    expect(text).toBe(
      'Daruma, Sunday 22 November 2026: 1 agent needs a look. Needs a look: price-watch ' +
        '(quarantined: 5 crashes in 10m, TypeError: prices is not iterable). 592 jobs of 9 agents in the last 24 hours, 97.8 % done. ' +
        '590 of 600 planned starts kept. 44 attempts failed and 13 jobs stayed undone. 6 workers replaced. ' +
        'Last failure: price-watch, TypeError: prices is not iterable. Slowest: news-digest, 95 % within 21.0 s. Up 18 d.',
    );
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
    expect(summary).toContain('1 agent needs a look');
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
