import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { Plugin } from 'esbuild';
import { packageFile } from '../../kernel/paths.ts';
import { LENT_PG, LENT_ZOD } from '../../kernel/plugin-modules.ts';

/**
 * The packages that the plugins which come with Daruma import: these plugins work in a folder without packages, too.
 */
const LENT = /^(?:zod|tar)(?:\/.*)?$/;
const LENT_PACKAGES = ['zod', 'tar'];

/**
 * `import … from 'daruma'` is always the running Daruma, in any folder; so are a few packages where the author has
 * installed none of his own. zod is left out of the bundle where it is the one that Daruma lends: workers give it.
 */
export function darumaImports(daruma: string): Plugin {
  return {
    name: 'daruma-imports',
    setup(build) {
      const zod = lentZodRoot(daruma);
      build.onResolve({ filter: /^daruma$/ }, () => ({ path: daruma, sideEffects: false }));
      build.onResolve({ filter: /^daruma\/pg$/ }, () => ({ path: LENT_PG, external: true, sideEffects: false }));
      build.onResolve({ filter: /^daruma\/./ }, ({ path }) => ({
        errors: [
          {
            text:
              path === 'daruma/testing'
                ? 'daruma/testing is for tests; a plugin cannot import it'
                : `${path} does not exist; a plugin imports from 'daruma' and 'daruma/pg'`,
            detail: {
              code: 'PLUGIN_IMPORT_REFUSED',
              next: path === 'daruma/testing' ? 'move the test to a file named *.test.ts' : "import from 'daruma'",
            },
          },
        ],
      }));
      build.onResolve({ filter: LENT }, async ({ path, kind, pluginData, resolveDir }) => {
        if (pluginData === 'asked') return undefined;
        const options = { kind, pluginData: 'asked' };
        const own = await build.resolve(path, { ...options, resolveDir });
        const found =
          own.errors.length === 0 ? own : await build.resolve(path, { ...options, resolveDir: dirname(daruma) });
        const isZod = path === 'zod' && zod !== undefined && found.path.startsWith(`${zod}${sep}`);
        // A `require` of zod gets a copy of its own: a bundle has no way to the lent zod but `import`.
        return isZod && kind !== 'require-call' ? { path: LENT_ZOD, external: true, sideEffects: false } : found;
      });
    },
  };
}

/** The folder of the zod that workers give in place of itself; undefined when another one was put there by hand. */
function lentZodRoot(daruma: string): string | undefined {
  const root = lentRoots(daruma).get('zod');
  if (root === undefined) return undefined;
  const own = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { dependencies: { zod: string } };
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return version === own.dependencies.zod ? root : undefined;
}

/** The packages that Daruma lends, without links: by name. `daruma`: its entry file. */
export function lentRoots(daruma: string): Map<string, string> {
  const roots = new Map<string, string>();
  for (const name of LENT_PACKAGES) {
    for (let at = dirname(daruma); !roots.has(name) && dirname(at) !== at; at = dirname(at)) {
      const folder = join(at, 'node_modules', name);
      if (existsSync(folder)) roots.set(name, realpathSync(folder));
    }
  }
  return roots;
}

const NAMESPACE = 'zod-languages';

/** Keeps only English of zod's fifty languages in a bundle: they are half of its bytes, and nobody can choose one. */
export const zodInEnglish: Plugin = {
  name: NAMESPACE,
  setup(build) {
    build.onResolve({ filter: /(?:^|\/)locales\/index\.js$/ }, ({ path, importer, resolveDir }) =>
      /[\\/]zod[\\/]v4[\\/]/.test(importer)
        ? { path: dirname(join(resolveDir, path)), namespace: NAMESPACE, sideEffects: false }
        : undefined,
    );
    build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path }) => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: path,
    }));
  },
};
