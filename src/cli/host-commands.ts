import { OPERATION_OPTIONS } from './operation-options.ts';
import type { CommandRow } from './ports.ts';

const USERS_SYSTEMD = { flags: '--user', about: "in the user's own systemd" };

/** Commands that make installations and plugins. */
export const BUILD: readonly CommandRow[] = [
  {
    usage: 'add <plugin>',
    about: 'a plugin that ships, or a file; shows first what it asks for',
    own: [{ flags: '--yes', about: 'add it without asking' }],
    run: async () => (await import('./commands/add.ts')).addCommand,
  },
  {
    usage: 'new <name>',
    about: 'a plugin from a template, or from another plugin',
    own: [
      {
        flags: '--schedule <cron>',
        about: 'when it runs (default: when it is asked to): "*/10 * * * *", @hourly, "@every 90m"',
      },
      { flags: '--about <sentence>', about: 'what it is for' },
      { flags: '--from <plugin>', about: 'copy that plugin, with what it imports; the copy is off' },
    ],
    run: async () => (await import('./commands/new.ts')).newCommand,
  },
  {
    usage: 'dev',
    about: 'a host in this terminal: its log, an answer to each saved file, keys',
    run: async () => (await import('./commands/dev.ts')).devCommand,
  },
  {
    usage: 'test [name]',
    about: 'run the test of a plugin, or all of them',
    run: async () => (await import('./commands/test.ts')).testCommand,
  },
  {
    usage: 'init <folder>',
    about: 'an installation of your own, ready to start',
    anyFolder: true,
    run: async () => (await import('./commands/init.ts')).initCommand,
  },
  {
    usage: 'completion <shell>',
    about: 'what bash, zsh or fish has to read to complete commands and names',
    anyFolder: true,
    isVerbatim: true,
    run: async () => (await import('./commands/completion.ts')).completionCommand,
  },
  {
    usage: 'complete [words...]',
    about: 'what may follow; for shells',
    isHidden: true,
    anyFolder: true,
    isVerbatim: true,
    run: async (program) => (await import('./commands/completion.ts')).completeCommand(program),
  },
];

const BACKUP: readonly CommandRow[] = [
  {
    usage: 'list',
    about: 'what is in backups/, newest first',
    run: async () => (await import('./commands/backup.ts')).backupListCommand,
  },
  {
    usage: 'now',
    about: 'have the backup agent make one, and wait for it',
    run: async () => (await import('./commands/backup.ts')).backupNowCommand,
  },
  {
    usage: 'verify <file>',
    about: 'prove that it can be restored: unpack it, open its store',
    run: async () => (await import('./commands/backup.ts')).backupVerifyCommand,
  },
  {
    usage: 'restore <file> [folder]',
    about: 'make a new or a stopped installation be what it says',
    own: [{ flags: '--install', about: 'then install its packages' }],
    anyFolder: true,
    run: async () => (await import('./commands/backup.ts')).backupRestoreCommand,
  },
];

const STORE: readonly CommandRow[] = [
  {
    usage: 'check',
    about: 'look at every row and at the file, host or no host',
    run: async () => (await import('./commands/store.ts')).storeCheckCommand,
  },
  {
    usage: 'mend',
    about: 'set aside what cannot be read, and keep it',
    run: async () => (await import('./commands/store.ts')).storeMendCommand,
  },
];

const SERVICE: readonly CommandRow[] = [
  {
    usage: 'install',
    about: 'write its unit, check it, start it',
    own: [
      { flags: '--user', about: "for the user's own systemd, without root" },
      { flags: '--dry-run', about: 'only print the unit' },
      { flags: '--write-only', about: 'write the unit also where systemd does not run' },
    ],
    run: async () => (await import('./commands/service-install.ts')).serviceInstallCommand,
  },
  {
    usage: 'status',
    about: 'how it is',
    own: [USERS_SYSTEMD],
    run: async () => (await import('./commands/service.ts')).serviceStatusCommand,
  },
  {
    usage: 'uninstall',
    about: 'stop it, remove its unit',
    own: [USERS_SYSTEMD],
    run: async () => (await import('./commands/service.ts')).serviceUninstallCommand,
  },
];

const CONFIG: readonly CommandRow[] = [
  {
    usage: 'show [agent]',
    about: 'each value with its origin',
    run: async () => (await import('./commands/config.ts')).configShowCommand,
  },
  {
    usage: 'rollback',
    about: "back to the host's settings that last worked, while others are on probation",
    run: async () => (await import('./commands/config.ts')).configRollbackCommand,
  },
  {
    usage: 'force',
    about: 'accept config/daruma.yaml as it is, whatever probation has seen',
    run: async () => (await import('./commands/config.ts')).configForceCommand,
  },
];

const MCP: readonly CommandRow[] = [
  {
    usage: 'allow <name>',
    about: 'make a token with which an assistant asks over HTTP',
    options: Object.values(OPERATION_OPTIONS.assistantAllow),
    run: async () => (await import('./commands/mcp.ts')).mcpAllowCommand,
  },
  {
    usage: 'list',
    about: 'assistants that may ask over HTTP',
    run: async () => (await import('./commands/mcp.ts')).mcpListCommand,
  },
  {
    usage: 'revoke <name>',
    about: 'end the token of an assistant',
    run: async () => (await import('./commands/mcp.ts')).mcpRevokeCommand,
  },
];

/** Commands on the host and its installation as a whole. */
export const HOST: readonly CommandRow[] = [
  {
    usage: 'start',
    about: 'run the host in this terminal until Ctrl-C',
    own: [
      { flags: '--safe', about: 'with every agent paused' },
      { flags: '--no-guardian', about: 'without the process that starts it again when it fails' },
    ],
    outlivesReaders: true,
    run: async () => (await import('./commands/start.ts')).startHostCommand,
  },
  {
    usage: 'host',
    about: 'the host alone, for systemd',
    own: [
      { flags: '--safe', about: 'with every agent paused' },
      { flags: '--dev', about: 'from sources, too' },
      { flags: '--with-parent', about: 'ends when its standard input does' },
    ],
    isHidden: true,
    outlivesReaders: true,
    run: async () => (await import('./commands/start.ts')).hostCommand,
  },
  {
    usage: 'stop',
    about: 'end the host; running jobs are given time to finish',
    own: [{ flags: '--within <time>', about: 'how long to wait for it', default: '60s' }],
    run: async () => (await import('./commands/stop.ts')).stopCommand,
  },
  {
    usage: 'health',
    about: 'whether the host lives, works and is well; exit code 3 when not',
    own: [{ flags: '--forget <name>', about: 'wait no more for the pings of a program outside of Daruma' }],
    run: async () => (await import('./commands/health.ts')).healthCommand,
  },
  { usage: 'backup', about: 'copies of the whole installation', below: BACKUP },
  { usage: 'store', about: 'jobs, slots and all else that is kept', below: STORE },
  { usage: 'service', about: 'the host as a service of systemd', below: SERVICE },
  {
    usage: 'drill [names...]',
    about: 'put faults into canaries, measure how they are healed',
    run: async () => (await import('./commands/drill.ts')).drillCommand,
  },
  {
    usage: 'demo [fault]',
    about: 'watch the healer at work: leak, hang, crash, silence',
    run: async () => (await import('./commands/drill.ts')).demoCommand,
  },
  {
    usage: 'doctor',
    about: 'check everything, print the fix; exit code 3 when something needs you',
    run: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
  {
    usage: 'check',
    about: 'look at every plugin and agent file',
    run: async () => (await import('./commands/check.ts')).checkCommand,
  },
  { usage: 'config', about: 'what is set, and where it is set', below: CONFIG },
  {
    usage: 'mcp',
    about: 'MCP server for assistants on stdin and stdout; reads only, unless --write',
    own: [{ flags: '--write', about: 'also acts, each planned before it is applied' }],
    run: async () => (await import('./commands/mcp.ts')).mcpCommand,
    below: MCP,
  },
];
