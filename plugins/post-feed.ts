import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { definePlugin, z } from 'daruma';
import { atomEntry, feedIdIn, urnOf, withEntry } from './lib/atom.ts';
import { writeWhole } from './lib/files.ts';
import { drySetting, drySummary, post } from './lib/post.ts';

export default definePlugin({
  about: 'Adds posts to an Atom feed, a file that a web server or a reader takes.',
  settings: z.strictObject({
    file: z
      .string()
      .regex(/^posts\/(?!.*\.\.)[^\0]+\.(xml|atom)$/, 'must be a file inside posts/, such as posts/feed.xml')
      .default('posts/feed.xml')
      .describe('The feed, inside posts/. Each agent has its own.'),
    title: z.string().min(1).default('Daruma').describe('The title of the feed.'),
    link: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('The page that the feed belongs to.'),
    most: z.int().min(1).max(1_000).default(100).describe('Entries that are kept, the newest.'),
    dryRun: drySetting(),
  }),
  input: post,
  limits: { memory: '64MB', timeout: '30s', attempts: 5 },
  needs: { write: ['posts'] },
  async run({ settings, dryRun, folder, job, once, summary }) {
    const { file, title, link, most } = settings;
    const id = urnOf(job.id);
    if (dryRun || settings.dryRun) {
      const would = { file, entry: atomEntry(job.input, { id, at: new Date().toISOString() }) };
      summary(drySummary(would));
      return { dryRun: true, would };
    }
    const path = join(folder, file);
    // The id of the entry is that of the job, and the file is written whole: to do it again after a crash is harmless.
    const add = async () => {
      await mkdir(dirname(path), { recursive: true });
      const before = await readFile(path, 'utf8').catch(emptyWhenMissing);
      const at = new Date().toISOString();
      const head = { id: feedIdIn(before) ?? urnOf(path), title, link, author: 'Daruma', most };
      const feed = withEntry(before, { id, text: atomEntry(job.input, { id, at }), at }, head);
      if (feed !== null) await writeWhole(path, feed);
      return { posted: true, file, id };
    };
    return once('add', add, { ifUnknown: 'repeat' });
  },
});

function emptyWhenMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
