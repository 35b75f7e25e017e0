import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPlugin } from 'daruma/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GUIDE_EXAMPLES } from '../../src/cli/init/guide-examples.ts';
import { markedGuide, renewedGuide } from '../../src/cli/init/guide-marks.ts';
import { keepGuide } from '../../src/cli/init/keep-guide.ts';
import { checkFiles } from '../../src/host/api/offline.ts';

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-guide-')));
  mkdirSync(join(folder, 'plugins'));
  for (const [path, text] of Object.entries(GUIDE_EXAMPLES)) writeFileSync(join(folder, path), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Examples of AGENTS.md as the product takes them: its builder, its check, a real worker. */
describe('an example of AGENTS.md', () => {
  const run = (name: string, options: Parameters<typeof runPlugin>[1]) =>
    runPlugin(join(folder, `plugins/${name}.ts`), options);

  it('is accepted as it stands', async () => {
    const { agents, problems } = await checkFiles(folder);
    expect(problems).toEqual([]);
    expect(agents).toEqual(['issue-triage', 'mail-triage', 'message-poll', 'order-mail', 'pager', 'site-watch']);
  });

  it('site-watch does what its test in the guide says', async () => {
    const url = 'https://shop.example/';
    const ran = await run('site-watch', { settings: { url }, state: { status: 200 }, http: [{ url, status: 503 }] });
    expect(ran).toMatchObject({ state: 'done', result: { status: 503 }, stateAfter: { status: 503 } });
    expect(ran.events).toEqual([{ topic: 'site.changed', data: { url, before: 200, status: 503 } }]);
    const gone = await run('site-watch', { settings: { url }, http: [{ url, status: 404 }] });
    expect(gone).toMatchObject({ retry: false, error: { message: expect.stringContaining('no such page') } });
  });

  it('order-mail sends a mail once, whatever becomes of the attempt', async () => {
    const options = { secrets: { MAIL_TOKEN: 'x' }, input: { order: 'o1', to: 'a@b.example' } };
    const first = await run('order-mail', { ...options, http: () => new Response('') });
    expect(first).toMatchObject({ state: 'done', result: { order: 'o1', sent: { at: expect.any(String) } } });
    const again = await run('order-mail', { ...options, attempt: 2, effects: first.effects });
    expect(again).toMatchObject({ result: first.result, requests: [] });
    const begun = await run('order-mail', { ...options, attempt: 2, effects: { 'mail:o1': { is: 'begun' } } });
    expect(begun).toMatchObject({ result: { order: 'o1', sent: null }, requests: [] });
  });

  it('issue-triage hands on an issue that was opened, and pager an event of the host', async () => {
    const body = { action: 'opened', issue: { number: 7, title: 'It hangs' } };
    const opened = await run('issue-triage', { input: { event: 'issues', delivery: 'd1', body } });
    expect(opened).toMatchObject({ result: { opened: 7 }, sends: [{ agent: 'post-file', key: 'issue:7' }] });
    expect((await run('issue-triage', {})).result).toEqual({ opened: null });
    const data = {
      pid: 1,
      endedAt: '2026-11-27T03:12:09.114Z',
      why: 'it was killed',
      code: null,
      signal: 'SIGKILL',
      uptimeMs: 5,
    };
    const event = { topic: 'host.lost', from: null, id: 8, at: data.endedAt, agent: null, message: 'lost', data };
    expect((await run('pager', { input: event })).sends).toMatchObject([{ key: 'event:8', input: { text: 'lost' } }]);
  });
});

describe('an example of AGENTS.md that asks a model', () => {
  it('tells of a mail that cannot wait, and of no other', async () => {
    const plugin = join(folder, 'plugins/mail-triage.ts');
    const input = { id: '7', text: 'The shop is down.' };
    const object = { urgency: 'now', summary: 'The shop is down.' };
    const told = await runPlugin(plugin, { input, llm: [{ object }] });
    expect(told).toMatchObject({
      result: object,
      sends: [{ key: 'mail:7' }],
      models: [{ effort: 'low', maxTokens: 300 }],
    });
    expect((await runPlugin(plugin, { input, llm: [{ object: { ...object, urgency: 'later' } }] })).sends).toEqual([]);
  });
});

describe('an example of AGENTS.md that runs always', () => {
  it('takes each message once and asks for those after it, until it is told to stop', async () => {
    const enough = new AbortController();
    const asked: string[] = [];
    const ran = await runPlugin(join(folder, 'plugins/message-poll.ts'), {
      stop: enough.signal,
      http({ url }) {
        asked.push(url);
        if (asked.length === 2) enough.abort();
        return Response.json({ messages: asked.length === 1 ? [{ id: 7, text: 'hello' }] : [] });
      },
    });
    expect(asked.map((url) => new URL(url).search)).toEqual(['?after=0', '?after=7']);
    expect(ran).toMatchObject({ state: 'done', stateAfter: { seen: 7 }, sends: [{ key: 'message:7' }] });
  });
});

describe('AGENTS.md of an installation', () => {
  const old = `# Mine\n\n${markedGuide('# Old\n\nold words\n')}\n## Our own rules\n\nAsk Anna.\n`;

  it('is renewed between its marks, and nowhere else', () => {
    const renewed = renewedGuide(old, '# New\n\nnew words\n')!;
    expect(renewed).toBe(`# Mine\n\n${markedGuide('# New\n\nnew words\n')}\n## Our own rules\n\nAsk Anna.\n`);
    expect(renewedGuide(renewed, '# New\n\nnew words\n')).toBeUndefined();
  });

  it('stays as it is where a person changed it, or took the marks away', () => {
    expect(renewedGuide(old.replace('old words', 'my words'), '# New\n')).toBeUndefined();
    expect(renewedGuide('# Old\n\nold words\n', '# New\n')).toBeUndefined();
  });

  it('is renewed when a host starts, with its mode, and no link is followed', () => {
    const file = join(folder, 'AGENTS.md');
    keepGuide(folder);
    expect(() => statSync(file)).toThrow();
    writeFileSync(file, old, { mode: 0o640 });
    keepGuide(folder);
    expect(readFileSync(file, 'utf8')).toContain('export interface PluginDefinition');
    expect(readFileSync(file, 'utf8')).toContain('Ask Anna.');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    rmSync(file);
    writeFileSync(join(folder, 'elsewhere.md'), old);
    symlinkSync('elsewhere.md', file);
    keepGuide(folder);
    expect(readFileSync(join(folder, 'elsewhere.md'), 'utf8')).toBe(old);
  });
});
