#!/usr/bin/env node
// The version of Node is checked before anything else is imported: an older Node would fail with a syntax error instead of a
// message.
const { olderNode } = await import('./cli/node.ts');
const code = await olderNode(process.versions.node, process.argv);
if (code === undefined) {
  const { fileURLToPath } = await import('node:url');
  const loading = () => import('./guardian/loader.ts');
  const loader = [import.meta.url, process.execArgv, process.env.NODE_OPTIONS] as const;
  // AGENTS.md is that of the package that starts.
  const keepGuide = async (folder: string) => (await import('./cli/init/keep-guide.ts')).keepGuide(folder);
  const launcher = {
    async start(options: { folder: string; json: boolean; safe: boolean }) {
      (await loading()).refuseDevLoader(...loader);
      const { runGuardian } = await import('./guardian/guardian.ts');
      return runGuardian({ ...options, main: fileURLToPath(import.meta.url) });
    },
    async host({ dev, ...options }: { folder: string; json: boolean; safe: boolean; dev?: boolean }) {
      if (!dev) (await loading()).refuseDevLoader(...loader);
      await keepGuide(options.folder);
      const { runHost } = await import('./host/lifecycle/run.ts');
      return runHost(options);
    },
    backups: async (folder: string) => (await import('./host/backup/index.ts')).openBackups(folder),
    offline: async (folder: string) =>
      (await import('./host/api/offline.ts')).openOffline(folder, { knowsSecrets: true }),
    store: () => import('./host/api/store-repairs.ts'),
    fence: async (folder: string) => (await import('./host/api/offline.ts')).tryFence(folder),
    commandFence: async (folder: string) => (await import('./host/api/offline.ts')).commandFenceOf(folder),
    doctor: async (folder: string) => (await import('./host/doctor/installation.ts')).checkInstallation(folder),
    checkStoreFile: async (folder: string) => (await import('./host/doctor/installation.ts')).checkStoreFile(folder),
    readPlugin: async (folder: string, file: string) =>
      (await import('./host/api/read-plugin.ts')).readPlugin(folder, file),
    check: async (folder: string) => (await import('./host/api/offline.ts')).checkFiles(folder),
  };
  const argv = process.argv.slice(2);
  const statusAlone = async () => (await import('./cli/quick-status.ts')).quickStatus(argv, launcher);
  const wholeLine = async () => {
    const { startCommandOf } = await import('./cli/start-command.ts');
    const { typedHere } = await import('./cli/typed.ts');
    const typed = typedHere(argv);
    const isFromSources = (await loading()).devLoader(...loader) !== undefined;
    const startCommand = isFromSources ? undefined : startCommandOf(argv, process.cwd());
    if (startCommand) return launcher[startCommand.command](startCommand);
    return (await import('./cli/run.ts')).runCli(argv, launcher, typed);
  };
  process.exitCode = (argv.includes('status') ? await statusAlone() : undefined) ?? (await wholeLine());
} else {
  process.exitCode = code;
}

export {};
