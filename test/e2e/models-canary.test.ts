import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelServer } from '../gateway/models/servers/model-server.ts';
import { groqServer } from '../gateway/models/servers/openai-shape.ts';
import { livingFiles } from '../living-folder.ts';
import { signIn } from '../web/client.ts';
import { type Installation, installation, isRunning, plugin } from './installation.ts';

const CANARY = 'gsk_canary_5b1f0c77d2a94e6f';
const PAGES = [
  ...[
    '/',
    '/host?doctor=1',
    '/trends',
    '/logs?level=debug',
    '/incidents',
    '/alerts',
    '/jobs',
    '/agents/asks',
    '/versions/asks',
  ],
  ...['/reports', '/audit', '/schedule', '/dlq', '/metrics', '/healthz'],
];

let place: Installation;
let groq: ModelServer;

beforeAll(async () => {
  delete process.env.DARUMA_WEB;
  groq = await groqServer();
  const rung = `{ name: groq, url: "${groq.url}", key: CANARY_API_KEY, models: [${groq.models[0]}], free: true, timeout: 2s }`;
  place = installation({
    'config/daruma.yaml': `web: { port: 0 }\nmodels:\n  chain: [${rung}]\n  drills: { fallback: false, diagnosis: false }\n`,
    '.env': `CANARY_API_KEY=${CANARY}\n`,
    'plugins/asks.ts': plugin(
      `await context.llm.chat('One.'); await context.llm.chat('Two.').catch((error) => context.log.warn(String(error)));
       return Object.keys(process.env);`,
      'needs: { llm: true }, limits: { attempts: 1 },',
    ),
    'plugins/spills.ts': plugin(
      `await context.llm.chat('One.');
       context.log.info('asked with ' + context.llm.apiKey, { key: context.llm.apiKey });
       console.log(context.llm.apiKey);
       return context.llm.apiKey;`,
      'needs: { llm: true }, limits: { attempts: 1 },',
    ),
  });
  await place.start();
});
afterAll(async () => {
  await place?.leave();
  await groq?.stop();
});

const AT_ONCE = 2 ** 24;

/**
 * Whether the memory of a process holds the text, with one byte or two to a letter: its heaps and all else that it can write,
 * reachable or not. No snapshot of a heap has more, and a cell can make none of itself: it may write no file.
 */
function holdsInMemory(pid: number, text: string): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const forms = [Buffer.from(text), Buffer.from(text, 'utf16le')];
  const bytes = Buffer.alloc(AT_ONCE + text.length * 2);
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^(\w+)-(\w+) rw/gm);
  try {
    for (const [, from, to] of maps) {
      const [start, end] = [Number.parseInt(from!, 16), Number.parseInt(to!, 16)];
      for (let at = start; at < end; at += AT_ONCE) {
        const read = readPart(memory, bytes.subarray(0, Math.min(bytes.length, end - at)), at);
        if (forms.some((form) => read.includes(form))) return true;
      }
    }
    return false;
  } finally {
    closeSync(memory);
  }
}

/** The bytes at that address; none where no page is behind it. */
function readPart(memory: number, bytes: Buffer, at: number): Buffer {
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, bytes.length, at));
  } catch {
    return bytes.subarray(0, 0);
  }
}

it('a provider’s key is in no file, no answer, no page, no environment and no memory of a worker; and no gateway outlives its host', async () => {
  await place.until(
    async () => (await place.daruma('agents', '--json')).json,
    (agents: unknown[]) => agents.length === 2,
  );
  const spilled = (await place.daruma('run', 'spills', '--wait', '--json')).json;
  expect(spilled).toMatchObject({ state: 'done', result: expect.stringMatching(/^dk-[0-9a-f]{32}\./) });
  const log = JSON.stringify((await place.daruma('logs', 'spills', '--json')).json);
  expect(log).toContain('asked with [secret]');
  expect(log).not.toMatch(/dk-[0-9a-f]{32}/);
  // The second question of the next job closes the only rung.
  groq.next(null, '401');
  expect(await place.daruma('run', 'asks', '--wait', '--json').then(({ json }) => json)).toMatchObject({
    state: 'done',
  });
  expect(groq.chats().at(-1)!.headers.authorization).toBe(`Bearer ${CANARY}`);
  const answers = [];
  for (const command of ['status', 'models', 'events', 'logs', 'jobs', 'secrets'])
    answers.push(JSON.stringify((await place.daruma(command, '--json')).json));
  answers.push(JSON.stringify((await place.daruma('config', 'show', '--json')).json));
  expect(answers.filter((answer) => answer?.includes(CANARY))).toEqual([]);
  const browser = await signIn(place);
  const pages = [];
  for (const path of PAGES) pages.push({ path, text: (await browser.get(path)).text });
  expect(pages.find(({ path }) => path.startsWith('/host'))!.text).toContain(groq.models[0]);
  expect(pages.filter(({ text }) => text.includes(CANARY)).map(({ path }) => path)).toEqual([]);
  const files = livingFiles(place.folder).filter(({ path }) => path !== '.env' && !path.startsWith('node_modules/'));
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((file) => file.content().includes(CANARY)).map(({ path }) => path)).toEqual([]);
  const { host, models } = (await place.daruma('status', '--json')).json;
  const cells = host.fences.map(({ pid }: { pid: number }) => pid) as number[];
  for (const pid of [models.pid, ...cells])
    for (const file of ['environ', 'cmdline'])
      expect(readFileSync(`/proc/${pid}/${file}`, 'latin1')).not.toContain(CANARY);
  expect(cells.length).toBeGreaterThan(0);
  expect(holdsInMemory(models.pid, CANARY)).toBe(true);
  expect(cells.filter((pid) => holdsInMemory(pid, CANARY))).toEqual([]);
  // The key of a worker is in the memory of its cell, so the search finds what there is.
  const ownKey = (spilled.result as string).split('.')[0]!;
  expect(cells.filter((pid) => holdsInMemory(pid, ownKey))).toHaveLength(1);
  process.kill(host.pid, 'SIGKILL');
  await place.until(
    async () => isRunning(models.pid),
    (runs) => !runs,
  );
});
