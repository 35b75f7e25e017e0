#!/usr/bin/env node
// Nothing is imported before the version is known: an older Node would stumble over the first newer word instead of
// saying what it needs.
const { olderNode } = await import('./cli/node.ts');
const code = await olderNode(process.versions.node, process.argv);
if (code === undefined) {
  const { runCli } = await import('./cli/run.ts');
  process.exitCode = await runCli(process.argv.slice(2), {
    host: async (options) => (await import('./host/run.ts')).runHost(options),
    offline: async (folder) => (await import('./host/offline.ts')).openOffline(folder),
  });
} else {
  process.exitCode = code;
}

export {};
