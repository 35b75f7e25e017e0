import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { KIT } from '../../src/web/pages/index.tsx';
import { ROUTES } from '../../src/web/routes.ts';
import { filesBelow, hitsIn, storedTexts } from '../containment/attack/canaries.ts';
import { type Browser, signIn } from '../web/client.ts';
import { type Installation, installation, plugin } from './installation.ts';

beforeAll(() => {
  delete process.env.DARUMA_WEB;
});
let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

const PLUGINS = fileURLToPath(new URL('../../plugins', import.meta.url));
const WORD = 'c4nary-"of\\the/mine';
const DIGITS = '907150123';
const BASE64 = Buffer.from(`mine:${WORD}`).toString('base64');
const HEX = Buffer.from(WORD).toString('hex');
const IN_JSON = JSON.stringify(WORD).slice(1, -1);
/** What must be nowhere: the secrets as they are, as JSON, JSON in JSON and URLs write them, in hexadecimal digits, and the middle of their base64. */
const FORMS = [
  ...[WORD, IN_JSON, JSON.stringify(IN_JSON).slice(1, -1), DIGITS, BASE64.slice(8, -4)],
  ...[encodeURIComponent(WORD), encodeURIComponent(WORD).toLowerCase(), HEX, HEX.toUpperCase()],
];
/** Where the person put them, and what keeps it as it is; stores and their copies are read row by row. */
const MAY_HOLD =
  /^(?:\.env|agents\/spiller\.yaml|plugins\/taker\.ts|data\/versions\/(?:in-force\.json|taker\/.*)|.*daruma.*\.db.*)$/;
/** Where a plugin asked for them to be kept. */
const KEPT = new Set(['job.input', 'state.key', 'state.value', 'effect.key', 'effect.result']);

/** Plants both secrets in every door that a plugin has. */
const SPILL = `
  const { WORD, DIGITS } = context.secrets;
  const number = Number(DIGITS);
  const hex = Buffer.from(WORD).toString('hex');
  const url = encodeURIComponent(WORD);
  const form = { word: WORD, list: [number], [WORD]: number, basic: Buffer.from('mine:' + WORD).toString('base64'), hex, HEX: hex.toUpperCase(), url, small: url.toLowerCase(), json: JSON.stringify({ WORD }), twice: JSON.stringify(JSON.stringify({ WORD })) };
  context.log.info('logged ' + WORD, form);
  context.log.error('x'.repeat(16 * 1024 - 30) + WORD, { long: 'x'.repeat(17000) + WORD });
  console.log('console ' + WORD, form);
  context.log.warn(JSON.stringify(JSON.stringify(form)) + hex + url + url.toLowerCase());
  console.error(hex.toUpperCase() + JSON.stringify(form));
  process.emitWarning('warned of ' + WORD);
  context.beat('beats ' + WORD);
  context.summary('# ' + WORD + ' and ' + form.basic);
  await context.emit('c4nary.flew', form);
  await context.once('effect ' + WORD, async () => form);
  await context.send('taker', form);
  await context.state.set('kept ' + WORD, form);
  if (context.job.input?.how === 'fails') throw Object.assign(new Error('failed with ' + WORD), { code: WORD, data: form });
  if (context.job.input?.how === 'opens') await (await import('node:fs')).promises.readFile(context.folder + '/plugins/' + WORD + hex);
  if (context.job.input?.how === 'causes') throw new Error(JSON.stringify(form), { cause: new AggregateError([new Error(hex), new Error(url)], WORD) });
  if (context.job.input?.how === 'crashes') {
    setTimeout(() => { throw new Error('crashed with ' + WORD + ' ' + DIGITS); }, 0);
    await new Promise(() => {});
  }
  return form;
`;

it('shows a secret nowhere, wherever a plugin puts it', async () => {
  place = installation(
    {
      '.env': `WORD='${WORD}'\nDIGITS=${DIGITS}\n`,
      'plugins/spiller.ts': plugin(
        SPILL,
        "settings: z.strictObject({ note: z.string() }), needs: { secrets: ['WORD', 'DIGITS'] }, limits: { attempts: 2, backoff: { first: '1ms' } },",
      ),
      'agents/spiller.yaml': `plugin: spiller\nsettings:\n  note: '${WORD}'\n`,
      'plugins/reporter.ts': plugin('context.summary("# " + context.secrets.WORD);', "needs: { secrets: ['WORD'] },"),
      'plugins/taker.ts': plugin('return context.job.input;', "on: ['c4nary.flew'],"),
      'config/daruma.yaml': 'web: { port: 0 }\n',
    },
    undefined,
    { alone: true },
  );
  for (const path of ['backup.ts', 'lib'])
    cpSync(join(PLUGINS, path), join(place.folder, 'plugins', path), { recursive: true });
  const { daruma, folder } = place;
  // What an older host left to a generous umask.
  for (const path of ['logs', 'data/run', 'data/versions'])
    mkdirSync(join(folder, path), { recursive: true, mode: 0o755 });
  for (const path of ['logs/daruma.2026-01-01.1.log', 'data/run/host.json'])
    writeFileSync(join(folder, path), '', { mode: 0o644 });
  await place.start();
  const said: string[] = [];
  const ask = async (...args: string[]) => {
    const { stdout, stderr } = await daruma(...args);
    said.push(`${args[0]} ${args[1]}:\n${stdout}${stderr}`);
    return stdout;
  };
  for (const how of ['ends', 'fails', 'opens', 'causes', 'crashes'])
    await ask('run', 'spiller', '--input', JSON.stringify({ how, word: WORD, [WORD]: HEX }), '--wait');
  await ask('run', 'reporter', '--wait');
  await place.until(
    () => daruma('jobs', '--json'),
    ({ json }) =>
      json.length > 6 && json.every((job: { state: string }) => job.state === 'done' || job.state === 'dead'),
  );
  // Somebody wrote a value into the source, too.
  place.write(
    'plugins/taker.ts',
    plugin(`const own = ${JSON.stringify(WORD)}; return [own, context.job.input];`, "on: ['c4nary.flew'],"),
  );
  await place.until(
    () => daruma('versions', 'taker', '--json'),
    ({ json }) => json.versions.length === 2,
  );
  const backup = await daruma('backup', 'now', '--json');
  expect(backup.json).toMatchObject({ state: 'done' });
  said.push(backup.stdout);
  const looks = [
    ['backup', 'list'],
    ['status'],
    ['jobs'],
    ['dlq'],
    ['incidents'],
    ['logs', '-n', '1000'],
    ['agents'],
    ['agents', 'spiller'],
    ['versions', 'spiller'],
    ['why', 'spiller'],
    ['config'],
    ['secrets'],
    ['check'],
    ['state', 'spiller'],
  ];
  const incidents = (await daruma('incidents', '--json')).json as { id: string }[];
  const jobs = (await daruma('jobs', '--json')).json as { id: string }[];
  await inTurns(
    [
      ...looks.flatMap((args) => [args, [...args, '--json']]),
      ...incidents.map(({ id }) => ['incidents', id, '--json']),
      ...jobs.map(({ id }) => ['jobs', id, '--json']),
    ],
    (args) => ask(...args),
  );
  const pages = await readPages(place);
  said.push(...pages);
  expect(said.join('\n')).toContain('[secret]');
  expect(incidents.length).toBeGreaterThan(0);
  const [job] = (await daruma('jobs', '--json')).json as { id: string }[];
  await place.stop();
  // Commands without a host read the store.
  for (const args of [
    ['jobs', '--json'],
    ['jobs', job!.id],
    ['state', 'spiller'],
    ['status', '--json'],
    ['config', 'show', 'spiller'],
  ])
    expect(await ask(...args)).toContain('[secret]');

  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile() && !MAY_HOLD.test(path))
    .map((path) => `${path}: ${readFileSync(join(folder, path), 'latin1')}`);
  expect(files.length).toBeGreaterThan(5);
  expect(files.map((text) => text.slice(0, text.indexOf(':'))).filter((path) => othersMayRead(folder, path))).toEqual(
    [],
  );
  const rows = storedTexts(join(folder, 'data/daruma.db'), KEPT);
  expect(rows.some((text) => text.startsWith('job.result: ') && text.includes('[secret]'))).toBe(true);
  const unpacked = await unpack(join(folder, backup.json.result.file), join(folder, 'unpacked'));
  const found = [...said, ...files, ...rows, ...unpacked].flatMap((text) =>
    hitsIn(text.split('\n', 1)[0]!.slice(0, 100), text, FORMS),
  );
  expect(found).toEqual([]);
});

/** Does `work` for each, four at a time. */
async function inTurns<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const waiting = [...all];
  const turn = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all([turn(), turn(), turn(), turn()]);
}

/** Reads every page and every route without HTML, as they are and as a person sees them; forms that hold the secrets are sent before. */
async function readPages(place: Installation): Promise<string[]> {
  const browser = await signIn(place);
  const addresses = [...(await plantInForms(browser)), ...(await addressesOf(place))];
  const read = await readAll(browser, addresses);
  const paths = addresses.map((path) => path.split('?')[0]!);
  const gets = ROUTES.filter(({ method }) => method === 'GET');
  for (const { path } of [...KIT.pages, ...gets])
    expect(paths, path).toContainEqual(expect.stringMatching(new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`)));
  for (const kind of ['/?said=', '/jobs/', '/incidents/', '/versions/taker', '/logs', '/reports', '/audit'])
    expect(
      read.some((text) => text.startsWith(kind) && text.includes('[secret]')),
      kind,
    ).toBe(true);

  // A page whose host is silent reads the store, and knows no secret.
  const pids = [place.started()!.pid!, place.host()!.pid];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await place.until(
      () => browser.get('/'),
      ({ text }) => /host is not answering/i.test(text),
    );
    const alone = await readAll(browser, addresses);
    return [...read, ...alone.map((text) => `while the host is silent, ${text}`)];
  } finally {
    for (const pid of pids.reverse()) process.kill(pid, 'SIGCONT');
  }
}

async function readAll(browser: Browser, addresses: readonly string[]): Promise<string[]> {
  const read: string[] = [];
  for (const path of addresses) {
    const { status, headers, text } = await browser.get(path);
    expect([200, ...(/^\/(ping|hooks)\//.test(path) ? [405] : []), 503], path).toContain(status);
    read.push([path, JSON.stringify(headers), text, shownText(text)].join('\n'));
  }
  return read;
}

/** Sends forms that hold the secrets, one that is done and one that is refused, and says where they led. */
async function plantInForms(browser: Browser): Promise<string[]> {
  const landed: string[] = [];
  for (const [path, fields] of [
    ['/act/run', { agent: 'taker', 'input.word': WORD, 'input.digits~number': DIGITS }],
    ['/act/pause', { agent: WORD, forMs: '60000' }],
  ] as const) {
    const { status, headers } = await browser.send(path, { ...fields, back: '/' });
    expect([path, status]).toEqual([path, 303]);
    landed.push(headers.location!);
  }
  return landed;
}

/** Where everything stands that the installation has to show. */
async function addressesOf({ daruma }: Installation): Promise<string[]> {
  const listed = async (...args: string[]) => (await daruma(...args, '--json')).json;
  const jobs: { id: string; agent: string }[] = await listed('jobs');
  const incidents: { id: string }[] = await listed('incidents');
  const dead: { cause: string; agent: string }[] = await listed('dlq');
  const at = new Date(Date.now() - 60_000).toISOString();
  return [
    ...[
      '/',
      '/jobs',
      '/incidents',
      '/alerts',
      '/dlq',
      '/schedule',
      '/trends',
      '/logs',
      '/reports',
      '/host?doctor=1',
      '/audit',
    ],
    ...['/livez', '/readyz', '/healthz', '/metrics', '/ping/nas', '/hooks/taker', '/batches'],
    ...['/jobs?state=dead', '/jobs?agent=spiller&since=1h', '/jobs?text=logged', '/jobs?state=done&text=a'],
    ...[
      '/logs?follow=1&level=debug',
      '/logs?agent=spiller&level=error',
      '/logs?text=logged',
      '/audit?since=1d&kind=act',
    ],
    ...['/incidents?agent=spiller&since=30d', '/trends?window=7d', '/?span=7d', `/schedule?agent=spiller&at=${at}`],
    ...['spiller', 'taker', 'backup'].flatMap((name) => [`/agents/${name}`, `/versions/${name}`]),
    ...jobs.flatMap(({ id, agent }) => [
      `/jobs/${id}?level=debug`,
      `/jobs/${id}/json`,
      ...(agent === 'spiller' ? [`/reports?job=${id}`] : []),
    ]),
    ...incidents.map(({ id }) => `/incidents/${id}`),
    ...dead.flatMap(({ cause, agent }) =>
      ['replay', 'drop'].map((act) => `/batches/new?${new URLSearchParams({ act, cause, agent, state: 'dead' })}`),
    ),
  ];
}

/** The text of a page without its marks. */
function shownText(html: string): string {
  const named: Record<string, string> = { quot: '"', amp: '&', lt: '<', gt: '>', '#39': "'", '#x27': "'" };
  return html.replace(/<[^>]*>/g, '').replace(/&(#?\w+);/g, (mark, name) => named[name] ?? mark);
}

/** Everything in an archive, but for the places that keep what they were given. */
async function unpack(archive: string, into: string): Promise<string[]> {
  mkdirSync(into);
  await extract({ file: archive, cwd: into });
  const files = filesBelow(into);
  expect(files).toEqual(expect.arrayContaining(['data/daruma.db', 'agents/spiller.yaml', 'data/backup.json']));
  expect(files).not.toContain('.env');
  const rows = storedTexts(join(into, 'data/daruma.db'), KEPT);
  expect(rows.some((text) => text.startsWith('job.result: ') && text.includes('[secret]'))).toBe(true);
  const texts = files
    .filter((path) => !MAY_HOLD.test(path))
    .map((path) => `${path}: ${readFileSync(join(into, path), 'latin1')}`);
  return [...texts, ...rows].map((text) => `in the backup, ${text}`);
}

/** A file that the host wrote, and that another user could open: by its own mode and those of its folders. */
function othersMayRead(folder: string, path: string): boolean {
  if (!/^(?:logs|data)\//.test(path)) return false;
  const parts = path.split('/');
  const modes = parts.map((_, index) => statSync(join(folder, ...parts.slice(0, index + 1))).mode);
  const isRight = /\.log$|host\.json$|in-force\.json$|data\/config\//.test(path) ? (modes.at(-1)! & 0o077) === 0 : true;
  return !isRight || modes.every((mode, index) => (mode & (index === parts.length - 1 ? 0o044 : 0o011)) !== 0);
}
