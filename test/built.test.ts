import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { forgetBuild, isBuilt, rememberBuild } from '../scripts/built.ts';

it('a build is left out only where dist/ is, byte for byte, what a whole build made of the same inputs', () => {
  const root = mkdtempSync(join(tmpdir(), 'daruma-built-'));
  try {
    mkdirSync(join(root, 'src/room'), { recursive: true });
    mkdirSync(join(root, 'dist'));
    const write = (path: string, text: string) => writeFileSync(join(root, path), text);
    write('src/room/a.ts', 'a');
    write('dist/a.js', 'made of a');
    expect(isBuilt(root)).toBe(false);
    rememberBuild(root, forgetBuild(root));
    expect(isBuilt(root)).toBe(true);

    for (const [path, before] of [
      ['src/room/a.ts', 'a'],
      ['dist/a.js', 'made of a'],
    ] as const) {
      write(path, 'b');
      expect(isBuilt(root)).toBe(false);
      write(path, before);
      expect(isBuilt(root)).toBe(true);
    }
    write('package-lock.json', '{}');
    expect(isBuilt(root)).toBe(false);
    rmSync(join(root, 'package-lock.json'));
    rmSync(join(root, 'dist/a.js'));
    expect(isBuilt(root)).toBe(false);

    // A file that is saved while a build runs is no input of it, and a build that fails leaves no record.
    write('dist/a.js', 'made of a');
    const inputs = forgetBuild(root);
    expect(isBuilt(root)).toBe(false);
    write('src/room/a.ts', 'saved meanwhile');
    rememberBuild(root, inputs);
    expect(isBuilt(root)).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});
