import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import postFeed from '../../plugins/post-feed.ts';
import { runPlugin, tempFolder } from './context.ts';

const read = (folder: string) => readFileSync(join(folder, 'posts/feed.xml'), 'utf8');
const all = (text: string, tag: string) =>
  [...text.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map(([, value]) => value);

it('is an Atom feed, the newest first, and keeps its id', async () => {
  const folder = tempFolder();
  const settings = { title: 'Ops & more', link: 'https://a.example/', most: 2 };
  for (const [job, text] of [
    ['a', 'one'],
    ['b', 'two </entry> <b>'],
    ['c', 'three'],
  ]) {
    await runPlugin(postFeed, {
      folder,
      job: job!,
      settings,
      input: { title: `T ${job}`, text: text!, url: 'https://a.example/?x=1&y=2', level: 'warning' },
    });
  }
  const feed = read(folder);
  expect(all(feed, 'title')).toEqual(['Ops &amp; more', 'T c', 'T b']);
  expect(feed).toContain('<content type="text">two &lt;/entry&gt; &lt;b&gt;</content>');
  expect(feed).toContain('<link rel="alternate" href="https://a.example/?x=1&amp;y=2"/>');
  const ids = all(feed, 'id');
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  await runPlugin(postFeed, { folder, job: 'd', settings: { ...settings, title: 'Renamed' }, input: { text: 'four' } });
  expect(all(read(folder), 'id')[0]).toBe(ids[0]);
});

it('has each job once, also after an attempt that was cut off', async () => {
  const folder = tempFolder();
  const effects = new Map<string, { result: unknown } | 'begun'>();
  const run = () => runPlugin(postFeed, { folder, effects, input: { text: 'once' } });
  await run();
  effects.set('add', 'begun');
  await run();
  expect(read(folder).match(/<entry>/g)).toHaveLength(1);
});

it('shows an entry in a dry run, and leaves the file', async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'posts'));
  writeFileSync(join(folder, 'posts/feed.xml'), '');
  const { result } = await runPlugin(postFeed, { folder, settings: { dryRun: true }, input: { text: 'x' } });
  expect(result.would.entry).toContain('<title>x</title>');
  expect(read(folder)).toBe('');
});

it.each(['/etc/feed.xml', 'posts/../x.xml', 'feed.xml', 'posts/x.html'])(
  'takes no file outside its folder: %s',
  (file) => {
    expect(postFeed.settings!.safeParse({ file }).success).toBe(false);
  },
);
