import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { storedTexts } from '../containment/attack/canaries.ts';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

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
const MAY_HOLD = /^(?:\.env|agents\/spiller\.yaml|data\/versions\/in-force\.json|.*daruma.*\.db.*)$/;
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
  place = installation({
    '.env': `WORD='${WORD}'\nDIGITS=${DIGITS}\n`,
    'plugins/spiller.ts': plugin(
      SPILL,
      "settings: z.strictObject({ note: z.string() }), needs: { secrets: ['WORD', 'DIGITS'] }, limits: { attempts: 2, backoff: { first: '1ms' } },",
    ),
    'agents/spiller.yaml': `plugin: spiller\nsettings:\n  note: '${WORD}'\n`,
    'plugins/taker.ts': plugin('return context.job.input;', "on: ['c4nary.flew'],"),
  });
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
  await place.until(
    () => daruma('jobs', '--json'),
    ({ json }) =>
      json.length > 6 && json.every((job: { state: string }) => job.state === 'done' || job.state === 'dead'),
  );
  for (const args of [
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
  ]) {
    await ask(...args);
    await ask(...args, '--json');
  }
  const incidents = (await daruma('incidents', '--json')).json as { id: string }[];
  for (const { id } of incidents) await ask('incidents', id, '--json');
  for (const { id } of (await daruma('jobs', '--json')).json as { id: string }[]) await ask('jobs', id, '--json');
  await ask('backup', 'copy');
  expect(said.join('\n')).toContain('[secret]');
  expect(incidents.length).toBeGreaterThan(0);
  await place.stop();

  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile() && !MAY_HOLD.test(path))
    .map((path) => `${path}: ${readFileSync(join(folder, path), 'latin1')}`);
  expect(files.length).toBeGreaterThan(5);
  expect(files.map((text) => text.slice(0, text.indexOf(':'))).filter((path) => othersMayRead(folder, path))).toEqual(
    [],
  );
  const rows = storedTexts(join(folder, 'data/daruma.db'), KEPT);
  expect(rows.some((text) => text.startsWith('job.result: ') && text.includes('[secret]'))).toBe(true);
  const found = [...said, ...files, ...rows].filter((text) => FORMS.some((form) => text.includes(form)));
  expect(found.map((text) => text.slice(0, 2_000))).toEqual([]);
}, 90_000);

/** A file that the host wrote, and that another user could open: by its own mode and those of its folders. */
function othersMayRead(folder: string, path: string): boolean {
  if (!/^(?:logs|data)\//.test(path)) return false;
  const parts = path.split('/');
  const modes = parts.map((_, index) => statSync(join(folder, ...parts.slice(0, index + 1))).mode);
  const isRight = /\.log$|host\.json$|in-force\.json$|data\/config\//.test(path) ? (modes.at(-1)! & 0o077) === 0 : true;
  return !isRight || modes.every((mode, index) => (mode & (index === parts.length - 1 ? 0o044 : 0o011)) !== 0);
}
