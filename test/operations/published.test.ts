import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { publishedFiles } from '../../scripts/operations.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { COMMAND_RESULTS } from '../../src/operations/commands.ts';
import { OPERATIONS } from '../../src/operations/table.ts';
import { status } from '../cli/views.ts';

const files = await publishedFiles();

it.each(Object.keys(files))('%s is what the table says (npm run operations)', (file) => {
  expect(readFileSync(join(import.meta.dirname, '../..', file), 'utf8')).toBe(files[file]);
});

it('every command of the command line has a schema, or prints nothing of its own', () => {
  const words = buildProgram(async () => {}).commands.flatMap((command) => [
    command.name(),
    ...command.commands.map((second) => `${command.name()} ${second.name()}`),
  ]);
  const silent = ['dev', 'help', 'host', 'complete', 'backup', 'store', 'service', 'config', 'batch', 'mcp'];
  expect(Object.keys(COMMAND_RESULTS).sort()).toEqual(words.filter((word) => !silent.includes(word)).sort());
});

it('published results are open to further fields, and arguments are not', () => {
  const { $defs } = JSON.parse(files['docs/daruma.schema.json']!) as { $defs: Record<string, object> };
  const published = (name: string) => z.fromJSONSchema({ $defs, $ref: `#/$defs/${name}` } as never);
  expect(published('command.status').safeParse({ ...status(), later: 1 }).success).toBe(true);
  expect(published('command.status').safeParse({ ...status(), agents: [{ name: 'a' }] }).success).toBe(false);
  expect(published('operation.pause.args').safeParse({ agent: 'a', forMs: 1 }).success).toBe(true);
  expect(published('operation.pause.args').safeParse({ agent: 'a', later: 1 }).success).toBe(false);
});

it('each operation has one sentence of its own', () => {
  const abouts = Object.values(OPERATIONS).map(({ about }) => about);
  for (const about of abouts) expect(about).toMatch(/^[A-Z].{5,130}\.$/);
  expect(new Set(abouts).size).toBe(abouts.length);
});
