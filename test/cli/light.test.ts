import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

function importsOf(folder: string): string[] {
  const names = readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return names.flatMap((name) => {
    // Only real statements: templates of plugins, tests and guides hold imports of their own.
    const code = readFileSync(join(SRC, folder, name), 'utf8').replace(/`(?:\\[\s\S]|[^`\\])*`/g, '``');
    const statements = code.matchAll(/^(?:import|export)\s[^'`]*?from '([^']+)';$/gm);
    return [...statements].map((match) => match[1]!);
  });
}

test('a client command loads nothing heavier than commander: status has to be there in the blink of an eye', () => {
  const packages = new Set([...importsOf('cli'), ...importsOf('control')].filter((name) => !/^(\.|node:)/.test(name)));
  expect([...packages]).toEqual(['commander']);
});
