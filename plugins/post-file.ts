import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { definePlugin, z } from 'daruma';
import { drySetting, drySummary, type Post, post } from './lib/post.ts';
import { oneLine } from './lib/text.ts';

export default definePlugin({
  about: 'Adds what other agents send it to a Markdown file.',
  settings: z.strictObject({
    file: z
      .string()
      .regex(/^posts\/(?!.*\.\.)[^\0]+\.md$/, 'must be a Markdown file inside posts/, such as posts/status.md')
      .default('posts/status.md')
      .describe('The file that posts are added to, inside posts/.'),
    dryRun: drySetting(),
  }),
  input: post,
  limits: { memory: '64MB', timeout: '30s', attempts: 5 },
  needs: { write: ['posts'] },
  async run({ settings, dryRun, folder, job, once, summary }) {
    const file = join(folder, settings.file);
    // The mark ends the post: where it stands, the whole post stands. So doing it again after a crash is harmless.
    const mark = `<!-- job ${job.id} -->`;
    const entry = (at: string) => entryOf(job.input, { at, mark });
    if (dryRun || settings.dryRun) {
      const would = { file: settings.file, entry: entry(new Date().toISOString()) };
      summary(drySummary(would));
      return { dryRun: true, would };
    }
    return once(
      'append',
      async () => {
        await mkdir(dirname(file), { recursive: true });
        const before = await readFile(file, 'utf8').catch(emptyWhenMissing);
        const at = new Date().toISOString();
        if (before.includes(mark)) return { file: settings.file, at, bytes: 0 };
        const gap = before === '' ? '' : before.endsWith('\n') ? '\n' : '\n\n';
        const added = `${gap}${entry(at)}`;
        await appendFile(file, added, { flag: 'as' }); // on disk when it returns
        return { file: settings.file, at, bytes: Buffer.byteLength(added) };
      },
      { ifUnknown: 'repeat' },
    );
  },
});

function entryOf({ title, text, markdown, url, image }: Post, { at, mark }: { at: string; mark: string }): string {
  const parts = [(markdown ?? text).trim(), image && `![](${image})`, url && `<${url}>`].filter(Boolean);
  return `## ${oneLine(title ?? 'Post')}\n\n_${at}_\n\n${parts.join('\n\n')}\n\n${mark}\n`;
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
