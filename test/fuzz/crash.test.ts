import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { crashFuzz } from '../../scripts/fuzz/faults/crash.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

it('loses nothing, leaves nothing stuck and repeats nothing in silence while hosts and cells are killed under load', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-fuzz-')));
  const said: string[] = [];
  try {
    const outcome = await crashFuzz({
      main: MAIN,
      folder,
      seed: 20,
      rounds: 5,
      seconds: 20,
      say: (line) => said.push(line),
    });
    expect(outcome.broken, said.join('\n')).toEqual({});
    expect(outcome.accepted).toBeGreaterThan(20);
    expect(outcome.jobs.done).toBeGreaterThan(20);
    expect(Object.values(outcome.kills).reduce((sum, times) => sum + times)).toBe(outcome.rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
