import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { TestView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { suggest } from '../../kernel/suggest.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

const TEST_FILE = /\.(?:test|spec)\.[cm]?[jt]sx?$/;
const INSTALL = 'npm i -D vitest vite';

/** Runs `plugins/<name>.test.ts`, those in the folder `plugins/<name>/`, or every test in `plugins/`, with the installation's own vitest; its exit code is passed on. */
export async function testCommand(stage: Stage, [name]: Words): Promise<CommandResult | number> {
  const files = name === undefined ? allTests(stage.folder) : testsOf(stage.folder, name);
  const args = [vitestIn(stage.folder), 'run', '--root', stage.folder, ...files];
  // vitest colours its output by the environment alone: a pipe would get the colours too.
  const plain = process.stdout.isTTY ? [] : ['--no-color'];
  if (!stage.json) return await start([...args, ...plain], stage.folder, 'inherit');
  const place = mkdtempSync(join(tmpdir(), 'daruma-test-'));
  try {
    const report = join(place, 'report.json');
    const code = await start([...args, '--reporter=json', `--outputFile=${report}`], stage.folder, 'ignore');
    const tests = existsSync(report) ? testsIn(readFileSync(report, 'utf8'), stage.folder) : [];
    const passed = tests.filter(({ ok }) => ok).length;
    const failed = tests.filter(({ ok, skipped }) => !ok && !skipped).length;
    return { json: { ok: code === 0, passed, failed, tests }, lines: [], code };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function testsOf(folder: string, name: string): string[] {
  const names = allTests(folder);
  const found = names.find((path) => path.slice('plugins/'.length).replace(TEST_FILE, '') === name);
  if (found) return [found];
  // Of a plugin in a folder: those that lie in it.
  const inside = names.filter((path) => path.startsWith(`plugins/${name}/`));
  if (inside.length > 0) return inside;
  const meant = suggest(
    name,
    names.map((path) => path.slice('plugins/'.length).replace(TEST_FILE, '')),
  );
  const message = `there is no plugins/${name}.test.ts${meant ? `, did you mean ${meant}?` : ''}`;
  const isPlugin = ['.ts', '/index.ts'].some((end) => existsSync(join(folder, `plugins/${name}${end}`)));
  // `daruma new` writes a test to begin with, and AGENTS.md has it, too.
  const write = isPlugin ? `write it; ${guideIn(folder)} says how` : `daruma new ${name}`;
  const next = meant ? `daruma test ${meant}` : write;
  throw new Fault({ code: 'TEST_MISSING', message, next });
}

/** The page about tests that there is in this folder: that of an installation, or that of the package. */
function guideIn(folder: string): string {
  const pages = ['AGENTS.md', 'docs/plugins.md', 'node_modules/daruma/docs/plugins.md'];
  const page = pages.find((one) => existsSync(join(folder, one))) ?? 'docs/plugins.md of the package';
  return `${page}, "Test it",`;
}

/** Relative to the installation. */
function allTests(folder: string): string[] {
  const root = join(folder, 'plugins');
  const found = existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : [];
  const tests = found.filter((path) => TEST_FILE.test(path) && !path.includes('node_modules'));
  if (tests.length > 0) return tests.map((path) => `plugins/${path}`).sort();
  throw new Fault({
    code: 'TEST_MISSING',
    message: 'there is no test in plugins/',
    next: 'daruma new my-agent makes a plugin with one',
  });
}

function vitestIn(folder: string): string {
  try {
    const own = createRequire(join(folder, 'package.json')).resolve('vitest/package.json');
    const { bin } = JSON.parse(readFileSync(own, 'utf8')) as { bin: { vitest: string } };
    return join(own, '..', bin.vitest);
  } catch {
    const message = 'vitest, which runs the tests, is not installed here';
    throw new Fault({ code: 'VITEST_MISSING', message, next: INSTALL });
  }
}

/** Ctrl-C reaches vitest by itself; it ends in its own time. */
function start(args: string[], cwd: string, stdout: 'inherit' | 'ignore'): Promise<number> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['inherit', stdout, 'inherit'] });
  const wait = () => {};
  process.on('SIGINT', wait);
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
  }).finally(() => process.off('SIGINT', wait));
}

/** The tests in a report of vitest's JSON reporter. */
function testsIn(text: string, folder: string): TestView[] {
  const report = JSON.parse(text) as {
    testResults: {
      name: string;
      message?: string;
      assertionResults: { fullName: string; status: string; duration?: number | null; failureMessages?: string[] }[];
    }[];
  };
  return report.testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(folder, name);
    // A file that cannot even be loaded has no tests, and a message.
    if (assertionResults.length === 0) {
      return [{ file, name: file, ok: false, skipped: false, durationMs: null, error: message ?? null }];
    }
    return assertionResults.map(({ fullName, status, duration, failureMessages }) => ({
      file,
      name: fullName,
      ok: status === 'passed',
      skipped: status !== 'passed' && status !== 'failed',
      durationMs: duration == null ? null : Math.round(duration),
      error: failureMessages?.[0] ?? null,
    }));
  });
}
