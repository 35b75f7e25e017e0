import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const COPIED = [
  'src',
  'test',
  'scripts',
  'docs',
  'plugins',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'vitest.config.ts',
];
const LONGEST_MS = 180_000;

export interface FileResult {
  file: string;
  /** The first test that failed. */
  failed?: string;
  /** The file ran no test at all. */
  isBroken?: boolean;
}

/** A copy of the working tree in a temporary folder, to break and to test. */
export interface Copy {
  read(file: string): string;
  write(file: string, text: string): void;
  /** Builds `dist/`, which processes and threads run; type errors do not matter. */
  build(): void;
  /** Runs test files; a run that does not end in three minutes throws. */
  test(files: readonly string[]): FileResult[];
  remove(): void;
}

export function copyOfTree(): Copy {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-mutate-'));
  for (const path of COPIED) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const answer = join(folder, 'results.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');

  return {
    read: (file) => readFileSync(join(folder, file), 'utf8'),
    write: (file, text) => writeFileSync(join(folder, file), text),
    build() {
      spawnSync(process.execPath, ['scripts/build.ts'], { cwd: folder, stdio: 'ignore' });
    },
    test(files) {
      rmSync(answer, { force: true });
      const options = ['--config', 'scripts/mutations/vitest.config.ts', '--no-cache', '--no-fsModuleCache'];
      try {
        execFileSync(
          process.execPath,
          [vitest, 'run', ...options, '--reporter', 'json', '--outputFile', answer, ...files],
          {
            cwd: folder,
            env: { ...process.env, MUTATE_TESTS: files.join(',') },
            stdio: 'ignore',
            timeout: LONGEST_MS,
            killSignal: 'SIGKILL',
          },
        );
      } catch (error) {
        if (!existsSync(answer))
          throw new Error(`the tests did not come to an end: ${files.join(', ')}`, { cause: error });
      }
      const { testResults } = JSON.parse(readFileSync(answer, 'utf8')) as VitestAnswer;
      return files.map((file): FileResult => {
        const tests = testResults.find(({ name }) => name.endsWith(`/${file}`))?.assertionResults ?? [];
        const failed = tests.find(({ status }) => status === 'failed')?.fullName.trim();
        return { file, ...(failed ? { failed } : {}), ...(tests.length === 0 ? { isBroken: true } : {}) };
      });
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

interface VitestAnswer {
  testResults: { name: string; assertionResults: { status: string; fullName: string }[] }[];
}
