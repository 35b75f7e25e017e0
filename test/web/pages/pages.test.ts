import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../../src/kernel/fault.ts';
import { OPERATIONS } from '../../../src/operations/table.ts';
import { collisionsOf } from '../../../src/web/pages/collisions.ts';
import { groupsOf } from '../../../src/web/pages/incidents.tsx';
import { timelineOf } from '../../../src/web/pages/timeline.tsx';
import { memoryTrendWords, thinned } from '../../../src/web/pages/trends.tsx';
import { evenPoints, stretchesOf } from '../../../src/web/pages/windows.ts';
import {
  ADDRESSES,
  ANSWERS,
  type Answers,
  agent,
  clock,
  DEAD,
  failed,
  INCIDENT,
  job,
  render,
  status,
} from './world.ts';

/** Keys whose values are words of ours. */
const OURS =
  /^(state|level|rollout|is|trigger|cell|fence|sign|outcome|role|watchedBy|kind|code|version|id|job|schema)$/;
const HOSTILE = `"'><img src=x onerror=alert(1)><script>alert(2)</script>[x](javascript:alert(3))\u202egpj\u0007`;

/** The same answers with a hostile text wherever an author, a server or a file could have written one. */
function hostile(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return OURS.test(key) || /^\d{4}-\d\d-\d\dT/.test(value) ? value : HOSTILE + value;
  if (Array.isArray(value)) return value.map((one) => hostile(one, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, hostile(one, name)]));
}

const hostileAnswers = Object.fromEntries(
  Object.entries(ANSWERS).map(([op, answer]) => [
    op,
    (args: never) => hostile((answer as (args: never) => unknown)(args)),
  ]),
) as Answers;

describe.each(ADDRESSES)('%s', (address) => {
  it('is a small document without anything inline, with an address for each of its assets', async () => {
    const html = await render(address);
    expect(html.length).toBeLessThan(60_000);
    expect(html).not.toMatch(/\sstyle=|\son\w+=|<style|<script(?! src="\/assets\/)|javascript:/i);
    expect(html).not.toMatch(/undefined|\[object|NaN|>null</);
    expect(html).toContain('<html lang="en"');
    expect([...html.matchAll(/<h1/g)]).toHaveLength(1);
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });

  it('carries the token of its session in each form that acts, and every form is an act of the table', async () => {
    const html = await render(address);
    const forms = [...html.matchAll(/<form[^>]*method="post"[^>]*>.*?<\/form>/gs)].map(([form]) => form);
    for (const form of forms) {
      expect(form).toContain('name="csrf" value="csrf-of-ada"');
      expect(form).toContain('name="back" value="/');
      for (const [, op] of form.matchAll(/action="\/act\/(\w+)"/g)) expect(OPERATIONS[op as 'run'].kind).toBe('act');
    }
  });

  it('shows a reader no form that acts, and says so when the host is down', async () => {
    const viewer = { role: 'reader', csrf: 'csrf-of-bob' } as const;
    if (address.startsWith('/batches/new')) return;
    expect(await render(address, { viewer })).not.toMatch(/method="post"|csrf-of-bob|\/act\//);
    const down = await render(address, { down: { pid: 4321, lastSign: '2026-11-22T10:58:07.000Z' } });
    expect(down).toContain('The host is not answering (frozen?).');
    expect(down).not.toContain('pauseAll');
  });

  it('shows what others wrote as text, without signs that turn its direction', async () => {
    const html = await render(address, { answers: hostileAnswers });
    expect(html).not.toMatch(/<img|<script>|href="javascript/);
    for (const sign of ['\u202e', '\u0007']) expect(html).not.toContain(sign);
    // A quotation mark would end an attribute.
    expect(html).not.toContain(`"'>`);
    expect(html.length).toBeLessThan(200_000);
  });
});

describe('the overview', () => {
  it('folds agents that are off below the others, each with the line that holds it', async () => {
    const off = agent({ name: 'nightly', state: 'off', why: 'switched off in agents/nightly.yaml:3', problem: null });
    const html = await render('/', { answers: { ...ANSWERS, status: () => status({ agents: [agent(), off] }) } });
    expect(html).toContain('<summary>1 agent is off</summary>');
    expect(html).toContain('<code>agents/nightly.yaml:3</code>');
    expect(html).not.toContain('id="agent-nightly"');
  });

  it('is at most 30 KB with 20 agents and 50 runs of each', async () => {
    const agents = Array.from({ length: 20 }, (_, at) => agent({ name: `agent-number-${at}`, plugin: 'api-health' }));
    const runs = agents.map(({ name }) => ({ ...ANSWERS.runs!({})[0]!, agent: name }));
    const html = await render('/', { answers: { ...ANSWERS, status: () => status({ agents }), runs: () => runs } });
    expect(html.length).toBeLessThan(30 * 1024);
  });

  it('tells first what needs a person, with what can be done, and the doll has one eye', async () => {
    const html = await render('/');
    expect(html.indexOf('id="needs"')).toBeGreaterThan(0);
    expect(html.indexOf('id="needs"')).toBeLessThan(html.indexOf('id="agents"'));
    expect(html).toContain('something needs you');
    expect(html).toContain('Open inc-42');
  });

  it('has a line of the alerts that hold: how many, the first of them, and the next command', async () => {
    const worst = { id: 'al-1', severity: 'open' as const, agent: 'shop', title: 'shop has <failed>' };
    const alerts = { firing: 3, worst: { ...worst, since: '2026-11-22T10:40:00.000Z', next: 'daruma dlq' } };
    const html = await render('/', { answers: { ...ANSWERS, status: () => status({ alerts }) } });
    expect(html).toContain('<a href="/alerts#al-1">3 alerts, first of them: shop has &lt;failed&gt;</a> since');
    expect(html).toContain('→ daruma dlq');
    expect(await render('/')).not.toContain('id="alerts"');
  });

  it('needs nobody for an incident whose cause is muted, says until when, and the doll has both eyes', async () => {
    const until = '2026-11-23T11:00:00.000Z';
    const quiet = agent({ name: 'price-watch', state: 'quarantined', mutedUntil: until });
    const muted = {
      ...ANSWERS,
      status: () => status({ agents: [quiet], incidents: { open: 0, healedToday: 0, muted: 1 }, problems: [] }),
      incidents: () => [{ ...INCIDENT, mutedUntil: until }],
    };
    const html = await render('/', { answers: muted });
    expect(html).toContain('Nothing needs you');
    expect(html).toContain('Muted: <a href="/incidents/inc-42">price-watch</a> crash-looping until');
    expect([...html.matchAll(/class="iris"/g)]).toHaveLength(2);
  });

  it('is calm on a clean day, with both eyes painted', async () => {
    const calm = {
      ...ANSWERS,
      status: () => status({ agents: [agent()], incidents: { open: 0, healedToday: 0 }, problems: [] }),
      incidents: () => [],
    };
    const html = await render('/', { answers: calm });
    expect(html).toContain('Nothing needs you');
    expect(html).toContain('a clean day');
    expect([...html.matchAll(/class="iris"/g)]).toHaveLength(2);
  });
});

describe('the window of a trend', () => {
  const trends = ANSWERS.trends!({ window: '24h' });
  const [one] = trends.agents;

  it('has a place for each hour, empty where nothing happened', () => {
    const points = evenPoints(trends, one!);
    expect(points).toHaveLength(24);
    expect(points.flatMap((point, place) => (point ? [place] : []))).toEqual([21, 22]);
  });

  it('is put together to fewer bars, and loses no job by it', () => {
    const points = evenPoints(trends, one!);
    expect(stretchesOf(points, 8)).toHaveLength(8);
    for (const most of [1, 5, 24, 100])
      expect(stretchesOf(points, most).reduce((sum, { done, dead }) => sum + done + dead, 0)).toBe(120);
  });
});

describe('a failure', () => {
  it('is shown in the shell with what to do', async () => {
    const html = await failed(new Fault({ code: 'JOB_UNKNOWN', message: 'there is no job <b>', next: 'daruma jobs' }));
    expect(html).toContain('there is no job &lt;b&gt;');
    expect(html).toContain('daruma jobs');
  });
});

describe('the timeline of a job', () => {
  const shortOf = (over: Parameters<typeof job>[0]) =>
    timelineOf(job(over), clock.now).map(({ is, words }) => `${is}: ${words}`);

  it('has each wait and each attempt', () => {
    expect(timelineOf(DEAD, clock.now).map(({ is, words, from, to }) => [is, words, (to - from) / 1_000])).toEqual([
      ['waiting', 'queued', 1],
      ['failed', 'attempt 1 on w4', 1],
      ['waiting', 'waits for attempt 2', 30],
      ['failed', 'attempt 2 on w9', 1],
    ]);
  });

  it('tells a job that runs, waits or was cancelled apart', () => {
    expect(shortOf({})).toEqual(['waiting: queued', 'done: attempt 1']);
    expect(shortOf({ state: 'running', finishedAt: null })).toEqual(['waiting: queued', 'running: attempt 1']);
    expect(shortOf({ state: 'queued', attempt: 0, startedAt: null, finishedAt: null })).toEqual([
      'waiting: waits for attempt 1',
    ]);
    expect(shortOf({ state: 'cancelled', attempt: 0, startedAt: null })).toEqual([
      'waiting: waited until it was cancelled',
    ]);
    // `failures` is left out of lists.
    expect(shortOf({ state: 'dead' })).toEqual(['waiting: queued', 'failed: attempt 1']);
  });
});

it('incidents that have ended with one cause are one row, and an open one is always its own', () => {
  const ended = { ...INCIDENT, state: 'healed' as const, endedAt: INCIDENT.openedAt };
  const groups = groupsOf([
    { ...ended, id: 'a' },
    INCIDENT,
    { ...ended, id: 'b' },
    { ...ended, id: 'c', fingerprint: 'f-x' },
  ]);
  expect(groups.map((group) => group.map(({ id }) => id))).toEqual([['inc-42'], ['a', 'b'], ['c']]);
});

describe('the page of an incident', () => {
  it('shows the figure of its verdict around the moment, told in words as well', async () => {
    const leak = { ...INCIDENT, verdict: 'leaking', evidence: { memory: { limitBytes: 100_000_000 } } };
    const html = await render('/incidents/inc-42', { answers: { ...ANSWERS, incident: () => leak } });
    expect(html).toMatch(/aria-label="Memory of its largest worker: at most 42 MB of 95 MB; opened at 11:40"/);
    expect(html).toContain('class="moment"');
  });

  it('offers to mute the cause for 24 hours, or to end its mute', async () => {
    expect(await render('/incidents/inc-42')).toMatch(/action="\/act\/mute".*?<option value="86400000" selected/s);
    const muted = { ...INCIDENT, mutedUntil: '2026-11-23T11:00:00.000Z' };
    const html = await render('/incidents/inc-42', { answers: { ...ANSWERS, incident: () => muted } });
    expect(html).toContain('action="/act/unmute"');
    expect(html).not.toContain('action="/act/mute"');
    expect(html).toContain('its cause needs nobody until');
  });

  it('has a post-mortem in a text area that needs no script', async () => {
    const html = await render('/incidents/inc-42');
    expect(html).toMatch(
      /<details id="post-mortem">.*?<textarea[^>]* readonly[^>]*># inc-42: price-watch crash-looping/s,
    );
  });
});

describe('the schedule', () => {
  const at = (minute: number) => Date.parse('2026-11-22T06:00:00.000Z') + minute * 60_000;

  it('tells which agents start in the same minute, the most first, and minutes with the same agents once', () => {
    const planned = [
      { agent: 'a', times: [at(0), at(60), at(120)] },
      { agent: 'b', times: [at(0) + 30_000, at(60), at(90)] },
      { agent: 'c', times: [at(120), at(90)] },
      { agent: 'd', times: [at(120)] },
      { agent: 'e', times: [at(7)] },
    ];
    expect(collisionsOf(planned)).toEqual([
      { agents: ['a', 'c', 'd'], times: [at(120)] },
      { agents: ['a', 'b'], times: [at(0), at(60)] },
      { agents: ['b', 'c'], times: [at(90)] },
    ]);
    expect(collisionsOf([])).toEqual([]);
  });

  it('finds every minute that two agents share, and no other', () => {
    const minutes = fc.uniqueArray(fc.nat(20), { maxLength: 8 });
    fc.assert(
      fc.property(minutes, minutes, (one, other) => {
        const planned = [one, other].map((of, place) => ({ agent: `agent-${place}`, times: of.map(at) }));
        const shared = one.filter((minute) => other.includes(minute)).sort((a, b) => a - b);
        expect(collisionsOf(planned).flatMap(({ times }) => times)).toEqual(shared.map(at));
      }),
    );
  });

  it('adds the memory that agents took at most when they collide', async () => {
    const html = await render('/schedule');
    expect(html).toMatch(/<b>\d agents<\/b> at 12:05 and 1 more times/);
    expect(html).toMatch(/peak memory \d+ MB of [\d.]+ [MG]B allowed/);
  });
});

describe('the page of the host', () => {
  it('draws workers and queue over a window, and says the most of each', async () => {
    const asked: (string | undefined)[] = [];
    const hostLoad: Answers['hostLoad'] = (args) => {
      asked.push(args.window);
      return ANSWERS.hostLoad!(args);
    };
    const html = await render('/host', { answers: { ...ANSWERS, hostLoad } });
    expect(html).toContain('At most 12 workers, 4 of them with a job; the longest queue, 1,204 jobs, ');
    expect(html).toContain('aria-label="Waiting jobs: at most 1,204"');
    await render('/host?load=90d', { answers: { ...ANSWERS, hostLoad } });
    await render('/host?load=ever', { answers: { ...ANSWERS, hostLoad } });
    expect(asked).toEqual(['24h', '90d', '24h']);
    const none: Answers['hostLoad'] = (args) => ({ ...ANSWERS.hostLoad!(args), points: [] });
    expect(await render('/host', { answers: { ...ANSWERS, hostLoad: none } })).toContain('Nothing was measured');
  });

  it('has the last sign of each loop, tells the one that stands still, and how many pages are open', async () => {
    const html = await render('/host');
    expect(html).toMatch(/class="state red"><span class="sign">✗<\/span> healing 2m ago/);
    expect(html).toMatch(/class="state green"><span class="sign">✓<\/span> schedule 1(\.0)?s ago/);
    expect(html).toContain('Last signs of life of 3 loops');
    expect(html).toContain('2 of 32');
  });

  it('has the rungs of the chain in their order while a gateway listens, and no such section without one', async () => {
    const rung = (name: string, over: object) => ({
      ...{ name, model: null, state: 'ready' as const, until: null, provenAt: null, why: null, ...over },
    });
    const chain = [
      rung('groq', { model: 'gpt-oss-120b', provenAt: '2026-11-22T03:10:00.000Z' }),
      rung('own', { state: 'cooling', until: '2026-11-22T11:05:00.000Z', why: '429: <b>slow</b> down' }),
      rung('keyless', { state: 'off', why: 'KEY is not set' }),
    ];
    const models = { pid: 812, port: 40_123, chain };
    const html = await render('/host', { answers: { ...ANSWERS, status: () => ({ ...ANSWERS.status!({}), models }) } });
    const from = html.indexOf('id="models"');
    const section = html.slice(from, html.indexOf('</table>', from));
    expect(section).toContain('The gateway listens on port 40123, process 812.');
    expect([...section.matchAll(/id="rung-(\w+)"/g)].map(([, name]) => name)).toEqual(['groq', 'own', 'keyless']);
    expect(section.replace(/<[^>]+>/g, ' ')).toMatch(/groq\s+gpt-oss-120b\s+✓\s+ready\s+–\s+04:10/);
    expect(section).toMatch(/class="state yellow"><span class="sign">!<\/span> cooling/);
    expect(section).toContain('429: &lt;b&gt;slow&lt;/b&gt; down');
    expect(section).toContain('KEY is not set');
    expect(await render('/host')).not.toContain('id="models"');
  });

  it('asks for the checks of the doctor only when a person does', async () => {
    const { doctor: _, ...answers } = ANSWERS;
    expect(await render('/host', { answers })).toContain('href="/host?doctor=1#doctor"');
    const html = await render('/host?doctor=1');
    expect(html).toContain('SMTP_PASSWORD is missing');
    expect(html).toContain('put it into .env');
  });
});

describe('what was measured of an agent', () => {
  it('has the series of its author first, without those that are charts, each with its course and figures', async () => {
    const html = await render('/agents/price-watch');
    const measured = html.slice(html.indexOf('id="measured"'), html.indexOf('id="jobs"'));
    const names = [...measured.matchAll(/<th scope="row">([^<]*)<\/th>/g)].map(([, name]) => name);
    expect(names).toEqual([
      'context.orders{shop=&lt;b&gt;north}',
      'context.waiting',
      'context.import',
      'calls{origin=https://api.example.com,end=good}',
      'models.tokens{rung=groq}',
    ]);
    expect(measured).toContain('1.3s');
    expect(measured).toContain('per 1h');
    for (const title of ['p50 of durations', 'p99 of durations', 'p95 of lateness and wait'])
      expect(html).toContain(title);
  });

  it('is at most 40 rows, and says how many more there are', async () => {
    const answer = ANSWERS.series!({ agent: 'price-watch' });
    const series = Array.from({ length: 230 }, (_, at) => ({ ...answer.series[2]!, name: `context.n${at}` }));
    const answers = { ...ANSWERS, series: () => ({ ...answer, series }) };
    const html = await render('/agents/price-watch', { answers });
    expect(html).toContain('190 more: ');
    expect(html.length).toBeLessThan(100 * 1024);
  });
});

describe('the trends', () => {
  const hour = (at: number) => new Date(Date.parse('2026-11-21T12:00:00.000Z') + at * 3_600_000).toISOString();
  const MB = 1024 ** 2;
  const words = (valueAt: (at: number) => number, limit = 512 * MB) => {
    const trends = ANSWERS.trends!({ window: '24h' });
    const [one] = trends.agents;
    const points = Array.from({ length: 24 }, (_, at) => ({
      ...one!.points![0]!,
      at: hour(at),
      memoryPeakBytes: valueAt(at) * MB,
    }));
    return memoryTrendWords({ ...one!, memoryPeakBytes: 300 * MB, points }, trends, limit);
  };

  it('tell the limit of memory that rises steadily, and only the peak of memory that does not', () => {
    expect(words((at) => 100 + at * 8)).toBe('300 MB, +8 MB/h, limit in 1d 4h');
    expect(words((at) => 100 + at * 8, 0)).toBe('300 MB, +8 MB/h');
    expect(words((at) => (at % 2) * 200)).toBe('300 MB');
    expect(words((at) => 300 - at)).toBe('300 MB');
  });

  it('lose no peak of a line that has more points than are seen', () => {
    const values = Array.from({ length: 168 }, (_, at) => (at === 77 ? 900 : at % 5 === 0 ? null : at % 9));
    const line = thinned(values, 42);
    expect(line).toHaveLength(42);
    expect(Math.max(...line.map((value) => value ?? 0))).toBe(900);
    expect(thinned([1, null, 3], 42)).toEqual([1, null, 3]);
    expect(thinned(new Array(100).fill(null), 10)).toEqual(new Array(10).fill(null));
  });

  it('warn early on their page and on the overview, which stays as calm as it was', async () => {
    for (const address of ['/trends', '/'])
      expect(await render(address)).toContain('p95 of news-digest is 38 % above last week');
    const calm = {
      ...ANSWERS,
      status: () => status({ agents: [agent()], incidents: { open: 0, healedToday: 0 }, problems: [] }),
      incidents: () => [],
    };
    const html = await render('/', { answers: calm });
    expect(html).toContain('Nothing needs you');
    expect(html).toContain('Early warnings');
  });

  it('have so many agents on a page that it stays small', async () => {
    const trends = ANSWERS.trends!({ window: '7d' });
    const agents = Array.from({ length: 95 }, (_, at) => ({ ...trends.agents[0]!, agent: `agent-${at}` }));
    const answers = { ...ANSWERS, trends: () => ({ ...trends, agents }) };
    const html = await render('/trends?window=7d', { answers });
    expect(html).toContain('href="/trends?window=7d&amp;from=40"');
    expect(await render('/trends?window=7d&from=80', { answers })).toContain('trend-agent-94');
  });
});

describe('the log', () => {
  it('is followed with the filters of the page, and not where older lines are shown or the host is down', async () => {
    expect(await render('/logs?follow=1&agent=a&level=warn&text=no')).toContain(
      'data-follow="follow=1&amp;level=warn&amp;agent=a&amp;text=no"',
    );
    for (const address of ['/logs', '/logs?follow=1&before=2026-11-22T11:00:00.000Z'])
      expect(await render(address)).not.toContain('data-follow');
    expect(await render('/logs?follow=1', { down: { pid: 1, lastSign: '2026-11-22T10:58:07.000Z' } })).not.toContain(
      'data-follow',
    );
  });

  it('lists its files, which an operator may download', async () => {
    expect(await render('/logs')).toContain('href="/logs/files/daruma.2026-11-22.1.log"');
    const viewer = { role: 'reader', csrf: 'csrf-of-bob' } as const;
    const html = await render('/logs', { viewer });
    expect(html).toContain('daruma.2026-11-22.1.log');
    expect(html).not.toContain('/logs/files/');
  });
});

describe('Markdown', () => {
  const page = async (summary: string) => {
    const html = await render('/jobs/job-a02', { answers: { ...ANSWERS, job: () => ({ ...DEAD, summary }) } });
    return /<div class="markdown said">(.*?)<\/div>/s.exec(html)![1]!;
  };

  it('renders headings, lists, tables, code, emphasis and links of the web', async () => {
    const html = await page(
      '# A\n\nb **c** `d` [e](https://f.example)\n\n1. g\n2. h\n\n> i\n\n```\n<j>\n```\n\n| k |\n| - |\n| l |',
    );
    expect(html).toBe(
      '<h3>A</h3><p>b <strong>c</strong> <code>d</code> <a href="https://f.example" rel="noopener noreferrer nofollow">e</a></p>' +
        '<ol><li>g</li><li>h</li></ol><blockquote>i</blockquote><pre>&lt;j&gt;</pre>' +
        '<table><thead><tr><th scope="col">k</th></tr></thead><tbody><tr><td>l</td></tr></tbody></table>',
    );
  });

  it('shows HTML, images and links of other kinds as text', async () => {
    const html = await page(
      '<b onclick=x>a</b> ![i](https://x.example/t.png) [c](javascript:alert(1)) [d](data:text/html,x)',
    );
    expect(html).not.toMatch(/<b |<img|href="(javascript|data)/);
    expect(html).toContain('&lt;b onclick=x&gt;a&lt;/b&gt;');
  });

  it('ends for each text, however it is cut', async () => {
    for (const text of ['```', '```\na', '|', '| |', '- ', '1.', '>', '**', '`', '[](', '#', '***', '_a_', '\r\n\r'])
      expect(await page(text)).toEqual(expect.any(String));
  });
});

it('the page of an agent says why it has the workers that it has', async () => {
  const change = {
    at: new Date().toISOString(),
    from: 2,
    to: 4,
    reason: 'high-load' as const,
    why: 'they were at work',
  };
  const scaling = { target: 4, busy: 0.98, queueWaitMs: 340, cpu: 0.2, change };
  const one = agent({ name: 'price-watch', workers: { now: 4, min: 2, max: 6 }, scaling });
  const html = await render('/agents/price-watch', {
    answers: { ...ANSWERS, status: () => status({ agents: [one] }) },
  });
  expect(html).toMatch(/2 → 4 workers [^<]*: they were at work/);
  expect(await render('/agents/price-watch')).not.toContain('Scaling');
});

describe('the form of a run', () => {
  const form = async (schema: unknown) => {
    const one = agent({ name: 'price-watch', input: { schema, takesNothing: false } });
    return await render('/agents/price-watch', { answers: { ...ANSWERS, status: () => status({ agents: [one] }) } });
  };

  it('has a field for each part of the schema, named so that its kind is known', async () => {
    const html = await form({
      type: 'object',
      required: ['url'],
      properties: {
        url: { type: 'string', maxLength: 200, description: 'of the shop' },
        count: { type: 'integer', minimum: 1, default: 3 },
        deep: { type: 'boolean' },
        tags: { type: 'array', items: { type: 'string' } },
        mode: { enum: ['fast', 'slow'] },
        more: { type: 'object' },
      },
    });
    expect(html).toMatch(/name="input\.url"[^>]*required|required[^>]*name="input\.url"/);
    expect(html).toMatch(/name="input\.count~number"/);
    expect(html).toMatch(/name="input\.deep~boolean"/);
    expect(html).toMatch(/name="input\.tags~list"/);
    expect(html).toMatch(/<option value="slow">/);
    expect(html).toMatch(/name="input\.more~json"/);
    expect(html).toContain('of the shop');
  });

  it('has the same fields where nothing may be given, too', async () => {
    const schema = { anyOf: [{ type: 'object', properties: { url: { type: 'string' } } }, { type: 'null' }] };
    expect(await form(schema)).toMatch(/name="input\.url"/);
  });

  it('takes JSON where the schema has no named parts, or names that are none of a field', async () => {
    expect(await form({ type: 'string' })).toContain('<textarea id="input" name="input"');
    expect(await form({ type: 'object', properties: { 'a.b': {} } })).toContain('<textarea id="input" name="input"');
    expect(await form({ type: 'object', properties: {} })).toContain('takes no input');
  });
});
