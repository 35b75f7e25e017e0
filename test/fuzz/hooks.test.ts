import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { hooksFuzz } from '../../scripts/fuzz/faults/hooks.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

it('an acknowledged delivery is one job, whoever of host and web process is killed under it', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-fuzz-')));
  const said: string[] = [];
  try {
    const say = (line: string) => void said.push(line);
    const outcome = await hooksFuzz({ main: MAIN, folder, seed: 7, deliveries: 100, kills: 2, say });
    expect(outcome.broken, said.join('\n')).toEqual({});
    expect(outcome.jobs).toEqual({ done: 100 });
    expect(outcome.kills.host + outcome.kills.both + outcome.kills.again).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
