import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/** What the plugins that come with Daruma import: they work in a folder without packages too. */
const LENT = /^(?:zod|tar)(?:\/.*)?$/;
const LENT_PACKAGES = ['zod', 'tar'];

/**
 * `import … from 'daruma'` is always the running Daruma, in any folder; so are a few packages where the author has
 * installed none of his own.
 */
export function darumaImports(daruma: string): Plugin {
  return {
    name: 'daruma-imports',
    setup(build) {
      build.onResolve({ filter: /^daruma$/ }, () => ({ path: daruma, sideEffects: false }));
      build.onResolve({ filter: /^daruma\/./ }, ({ path }) => ({
        errors: [
          {
            text:
              path === 'daruma/testing'
                ? 'daruma/testing is for tests; a plugin cannot import it'
                : `${path} does not exist; a plugin imports from 'daruma'`,
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
        return own.errors.length === 0 ? own : build.resolve(path, { ...options, resolveDir: dirname(daruma) });
      });
    },
  };
}

/** Where the packages are that Daruma lends, without links: by name. `daruma`: its entry file. */
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
