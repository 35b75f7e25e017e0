import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

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
