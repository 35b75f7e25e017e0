import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import postFile from '../../plugins/post-file.ts';
import { runPlugin, tempFolder } from './context.ts';

const read = (folder: string) => readFileSync(join(folder, 'posts/status.md'), 'utf8');

it('adds a post with its title and time, and makes the file when it is missing', async () => {
  const input = { title: 'All\nwell', text: 'short', markdown: '- long' };
  const { folder, result } = await runPlugin(postFile, { input });
  expect(read(folder)).toBe(`## All well\n\n_${result.at}_\n\n- long\n\n<!-- job job-1 -->\n`);
  expect(result).toEqual({ file: 'posts/status.md', at: expect.any(String), bytes: Buffer.byteLength(read(folder)) });
});

it('keeps what is there and separates what it adds', async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'posts'));
  writeFileSync(join(folder, 'posts/status.md'), 'written by hand');
  await runPlugin(postFile, { folder, job: 'job-1', input: { text: 'one' } });
  await runPlugin(postFile, { folder, job: 'job-2', input: { text: 'two' } });
  expect(read(folder)).toMatch(
    /^written by hand\n\n## Post\n\n_.+_\n\none\n\n<!-- job job-1 -->\n\n## Post\n\n_.+_\n\ntwo\n/,
  );
});

it('does not post again what an earlier attempt posted, whether or not its end was recorded', async () => {
  const folder = tempFolder();
  const input = { text: 'once' };
  const effects: Map<string, { result: unknown } | 'begun'> = new Map();
  await runPlugin(postFile, { folder, input, effects });
  await runPlugin(postFile, { folder, input, effects });
  effects.set('append', 'begun');
  const { result } = await runPlugin(postFile, { folder, input, effects });
  expect(read(folder).match(/once/g)).toHaveLength(1);
  expect(result.bytes).toBe(0);
});

it('posts what an earlier attempt only began', async () => {
  const effects: Map<string, 'begun'> = new Map([['append', 'begun']]);
  const { folder } = await runPlugin(postFile, { input: { text: 'at last' }, effects });
  expect(read(folder)).toContain('at last');
});

it.each(['/etc/passwd', 'posts/../x.md', 'x.md', 'posts/', 'posts/x.sh'])(
  'takes no file outside its folder: %s',
  (file) => {
    expect(postFile.settings!.safeParse({ file }).success).toBe(false);
  },
);
