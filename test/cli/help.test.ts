import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { EXAMPLES } from '../../src/cli/examples.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { cli } from './process.ts';

const program = buildProgram(async () => {});
const GUIDE = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8').split(/^### /m);

/** Each command that is shown, with its words; `help` is commander's. */
function commandsBelow(command: Command, path: readonly string[] = []): [words: string, command: Command][] {
  return command.commands
    .filter((one) => !(one as Command & { _hidden?: boolean })._hidden && one.name() !== 'help')
    .flatMap((one) => {
      const words = [...path, one.name()];
      return [[words.join(' '), one] as [string, Command], ...commandsBelow(one, words)];
    });
}

const COMMANDS = commandsBelow(program);

/** Parses as the command line does, and runs nothing. */
async function parsed(line: string): Promise<void> {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c!);
  await buildProgram(async () => {}, true).parseAsync(words.slice(1), { from: 'user' });
}

describe('the help', () => {
  test('has the groups in their order, and each command with a sentence, in at most 100 columns', async () => {
    const { out, code } = await cli(['--help'], { cwd: '/' });
    expect(code).toBe(0);
    expect(out.match(/^(Observe|Act|Build|Host)$/gm)).toEqual(['Observe', 'Act', 'Build', 'Host']);
    expect(out).not.toContain('Commands:');
    expect(out.split('\n').filter((line) => line.length > 100)).toEqual([]);
    for (const [words, command] of COMMANDS) {
      expect(command.description(), words).toMatch(/^[a-zA-Z]/);
      if (!words.includes(' ')) expect(out, words).toMatch(new RegExp(`^  ${words}\\b.* {2,}\\S`, 'm'));
    }
  });

  test('of a command has its options with their defaults, and examples as they are typed here', async () => {
    const { out } = await cli(['jobs', '--help'], { cwd: '/' });
    expect(out).toMatch(/--limit <n> .*\(default: 20\)/);
    expect(out).toMatch(/Examples:\n {2}.*daruma jobs --state dead --since 24h\n/);
  });

  test.each(COMMANDS.map(([words]) => words))(
    '%s has one or two examples, which the command line takes',
    async (words) => {
      const examples = EXAMPLES[words] ?? [];
      expect(examples.length).toBeGreaterThan(0);
      expect(examples.length).toBeLessThanOrEqual(2);
      for (const line of examples) {
        expect(line.startsWith(`daruma ${words}`), line).toBe(true);
        await parsed(line);
      }
    },
  );

  test('an unknown word leads to the command that was meant, and to the help that knows it', async () => {
    const [first, below] = await Promise.all([cli(['bakup'], { cwd: '/' }), cli(['backup', 'lst'], { cwd: '/' })]);
    expect(first).toMatchObject({
      code: 2,
      err: expect.stringMatching(/did you mean backup\?\n {2}→ .*daruma --help/),
    });
    expect(below).toMatchObject({
      code: 2,
      err: expect.stringMatching(/did you mean list\?\n {2}→ .*daruma backup --help/),
    });
  });
});

test.each(COMMANDS)('docs/cli.md has %s, with each of its options', (words, command) => {
  const [top] = words.split(' ');
  const sections = GUIDE.filter((text) => new RegExp(`\`daruma ${top}\\b`).test(text.split('\n')[0]!));
  expect(sections, words).not.toEqual([]);
  for (const { long } of command.options) expect(sections.join('\n'), words).toContain(long);
});
