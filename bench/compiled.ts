import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

/**
 * A program of this `bench/` with the sources of a checkout, as plain JavaScript in the `dist/` of that checkout: what a user
 * runs. A loader of TypeScript adds a call to each function that keeps its name. `end` removes the file.
 */
export async function compiled(program: string, checkout: string): Promise<{ file: string; end(): void }> {
  const file = join(checkout, 'dist', `bench-${process.pid}.mjs`);
  const own = join(import.meta.dirname, '../src');
  await build({
    ...{ entryPoints: [join(import.meta.dirname, program)], outfile: file },
    ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'error' },
    plugins: [
      {
        name: 'sources of the checkout',
        setup({ onResolve }) {
          onResolve({ filter: /^\.\.\/src\// }, ({ path, resolveDir }) => ({
            path: join(checkout, 'src', relative(own, join(resolveDir, path))),
          }));
        },
      },
    ],
  });
  return { file, end: () => rmSync(file, { force: true }) };
}
