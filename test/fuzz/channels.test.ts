import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { channelsFuzz } from '../../scripts/fuzz/faults/channels.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** One channel for each way in which a post is not sent twice. */
const ONLY = ['post-email', 'slack', 'post-mastodon', 'post-bluesky'];

it('each channel posts what it was given once, though host and cells are killed under it', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-fuzz-')));
  const said: string[] = [];
  try {
    const say = (line: string) => void said.push(line);
    const outcome = await channelsFuzz({ main: MAIN, folder, seed: 1, posts: 4, kills: 1, only: ONLY, say });
    expect(outcome.broken, said.join('\n')).toEqual({});
    expect(Object.keys(outcome.channels)).toEqual(ONLY);
    for (const { posts, there, unknownAndNotThere } of Object.values(outcome.channels)) {
      expect(there + unknownAndNotThere).toBe(posts);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
