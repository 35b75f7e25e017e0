import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { packageFile } from '../kernel/paths.ts';
import type { CommandResult, Stage } from './ports.ts';

export interface GlobalOptions {
  dir?: string;
  json?: boolean;
}

const DRILLS = ['--drills', 'also those of daruma drill and daruma demo'] as const;

/** A file of `commands/`. A number is the exit code of a command that wrote for itself. */
export interface CommandModule {
  /** The command works in the current folder, an installation or not. */
  anyFolder?: boolean;
  /** The command goes on when nobody reads its output. */
  outlivesReaders?: boolean;
  /** Its lines quote what others wrote: no command in them is a hint of ours. */
  verbatim?: boolean;
  run(stage: Stage, args: (string | undefined)[], options: never): Promise<CommandResult | number>;
}

type Runner = (
  load: () => Promise<CommandModule>,
  args: (string | undefined)[],
  options: GlobalOptions,
) => Promise<void>;

/** The whole command line. A command's own file is loaded when it is run, nothing before. `quiet`: it writes no help. */
export function buildProgram(runner: Runner, quiet = false): Command {
  const program = new Command('daruma')
    .description('A lights-out runtime for agent plugins.')
    .option(
      '--dir <folder>',
      'the installation (default: the nearest folder above with plugins/ or config/daruma.yaml)',
    )
    .option('--json', 'one JSON value on stdout and nothing else')
    .version(version(), '-V, --version')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: () => {}, ...(quiet ? { writeOut: () => {} } : {}) })
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nExit codes: 0 fine, 1 it failed, 2 wrong usage, 3 something needs you, 4 no host running');

  function add(
    usage: string,
    about: string,
    load: () => Promise<CommandModule>,
    under: Command = program,
    hidden = false,
  ): Command {
    return under
      .command(usage, { hidden })
      .description(about)
      .action((...given: unknown[]) => {
        const command = given.at(-1) as Command;
        return runner(load, command.processedArgs.flat(), command.optsWithGlobals());
      });
  }

  program.commandsGroup('Observe');
  add('status [agent]', 'one line for each agent, or one agent in full', () => import('./commands/status.ts'));
  add('incidents [id|agent]', 'what went wrong, what was done, what is left', () => import('./commands/incidents.ts'))
    .option('--open', 'only those that have not ended; exit code 3 when there are any')
    .option('--agent <agent>', 'only of one agent')
    .option('--since <time>', 'not ended, or ended since: 24h, "Sat 02:00", 2026-11-21')
    .option('--limit <n>', 'at most so many', '20')
    .option(...DRILLS);
  add('agents [agent]', 'what each agent is for, or what one of them takes', () => import('./commands/agents.ts'));
  add('jobs [agent|job]', 'past and present jobs, or one job in full', () => import('./commands/jobs.ts'))
    .option('--state <state>', 'only these: queued, running, retrying, done, dead, cancelled (comma between)')
    .option('--since <time>', 'not older than: 24h, 02:00, "Sat 02:00", 2026-11-21')
    .option('--cause <cause>', 'only failures of one cause')
    .option('--limit <n>', 'at most so many', '20')
    .option(...DRILLS);
  add('logs [agent]', 'the log, also while the host is down', () => import('./commands/logs.ts'))
    .option('-f, --follow', 'go on with each new line, over restarts of the host')
    .option('--level <level>', 'the lowest level: debug, info, warn, error')
    .option('--grep <pattern>', 'only lines that match the regular expression')
    .option('--job <id>', 'only lines of one job')
    .option('--since <time>', 'not older than: 10m, 02:00, "Sat 02:00", 2026-11-21')
    .option('-n, --lines <n>', 'the newest so many (default: 100; 20 with --follow; 10000 with --since)');
  add('why <agent>', 'why it did, or did not, run at a time', () => import('./commands/why.ts')).option(
    '--at <time>',
    'the planned time: 02:00, "Sat 02:00", 2026-11-21 02:00 (default: its latest slot)',
  );

  add('next <agent>', 'when its schedule will ask for jobs', () => import('./commands/next.ts')).option(
    '-n, --times <n>',
    'so many times, 1 to 100',
    '5',
  );

  add(
    'state [agent] [key]',
    'what agents keep in context.state; change it by hand',
    () => import('./commands/state.ts'),
  )
    .option('--set <json>', 'the new value of the key, as JSON')
    .option('--delete', 'forget the key, or with --all every key')
    .option('--all', 'every key')
    .option('--move-to <agent>', 'give all of it to another agent, as after a rename')
    .option('--yes', 'do it');

  add('secrets', 'which secrets agents need, and where they were found', () => import('./commands/secrets.ts'));

  program.commandsGroup('Act');
  add('run <agent>', 'put one job in the queue now; it does not move the schedule', () => import('./commands/run.ts'))
    .option('--wait', 'show its log, wait for its end; exit code 1 when it failed')
    .option('--input <json>', 'what the job is given, as JSON; @file reads a file, - reads stdin')
    .option('--with <key=value>', 'one field of the input, as often as wanted; the value is JSON or else text', collect)
    .option('--key <key>', 'a second run with the same key is the same job');
  add('cancel [job]', 'end a job for good, or all that an agent has waiting', () => import('./commands/cancel.ts'))
    .option('--agent <agent>', 'all of an agent')
    .option('--state <state>', 'only these: queued, retrying, running, all (comma between; default: all)')
    .option('--cause <cause>', 'all that wait because of one cause')
    .option('--dry-run', 'only say what would be done')
    .option('--yes', 'really all of them');
  add('pause [agent]', 'start no more jobs of an agent; what is due waits', () => import('./commands/pause.ts'))
    .option('--for <time>', 'until then: 30m, 2h (default: until resumed)')
    .option('--all', 'every agent');
  add('resume [agent]', 'start its jobs again', () => import('./commands/resume.ts')).option('--all', 'every agent');
  add('ack <incident> [note...]', 'close an incident by hand, with a note', () => import('./commands/ack.ts'));
  add(
    'versions <plugin>',
    'the kept versions of a plugin, and what they are to its agents',
    () => import('./commands/versions.ts'),
  );
  add(
    'diff <plugin> [a] [b]',
    'what two versions differ in (default: the newest two)',
    () => import('./commands/diff.ts'),
  );
  add(
    'rollback <agent> [version]',
    'back to the good version before, or to any other',
    () => import('./commands/rollback.ts'),
  )
    .option('--force', 'also to a version that is known to be bad')
    .option('--latest', 'follow its files again');
  add(
    'rehearse <agent>',
    'run the newest source on past inputs, with no effect, beside what was',
    () => import('./commands/rehearse.ts'),
  )
    .option('--last <n>', 'the inputs of so many jobs', '20')
    .option('--file <file>', 'this source instead: plugins/_draft.ts')
    .option('--against <version>', 'run that version, too, instead of taking the record')
    .option('--live', 'do requests that only read (GET, HEAD)');
  add('level <agent> <level>', 'what an agent may log: debug, info, warn, error', () => import('./commands/level.ts'));
  const dlq = add('dlq', 'jobs that gave up, grouped by cause', () => import('./commands/dlq.ts'));
  add('list', 'the groups', () => import('./commands/dlq.ts'), dlq);
  add('show <cause>', 'the jobs of one cause', () => import('./commands/dlq-show.ts'), dlq);
  add('drop [job]', 'give up a job, or all of a cause or an agent, for good', () => import('./commands/drop.ts'), dlq)
    .option('--cause <cause>', 'all of this cause')
    .option('--agent <agent>', 'all of this agent')
    .option('--dry-run', 'only say what would be done')
    .option('--yes', 'do it');
  add('replay [job]', 'run a dead job again, or all of a cause or an agent', () => import('./commands/replay.ts'))
    .option('--cause <cause>', 'all of this cause')
    .option('--agent <agent>', 'all of this agent')
    .option('--state <state>', 'dead (default), cancelled, or all')
    .option('--dry-run', 'only say what would be done')
    .option('--yes', 'do it');

  program.commandsGroup('Build');
  add('new <name>', 'a plugin from a template', () => import('./commands/new.ts'))
    .option('--schedule <cron>', 'when it runs: "*/10 * * * *", @hourly, "@every 90m"')
    .option('--about <sentence>', 'what it is for');
  add('dev', 'a host in this terminal: its log, an answer to each saved file, keys', () => import('./commands/dev.ts'));
  add('test [name]', 'run the test of a plugin, or all of them', () => import('./commands/test.ts'));
  add('init <folder>', 'an installation of your own, ready to start', () => import('./commands/init.ts'));

  add(
    'completion <shell>',
    'what bash, zsh or fish has to read to complete commands and names',
    () => import('./commands/completion.ts'),
  );
  const complete = async () => (await import('./commands/complete.ts')).completeFor(program);
  add('complete [words...]', 'what may follow; for shells', complete, program, true);

  program.commandsGroup('Host');
  add('start', 'run the host in this terminal until Ctrl-C', () => import('./commands/start.ts'))
    .option('--safe', 'with every agent paused')
    .option('--no-guardian', 'without the process that starts it again when it fails');
  add('host', 'the host alone, for systemd', () => import('./commands/host.ts'), program, true)
    .option('--safe')
    .option('--dev')
    .option('--with-parent');
  add('stop', 'end the host; running jobs are given time to finish', () => import('./commands/stop.ts')).option(
    '--within <time>',
    'how long to wait for it',
    '60s',
  );
  const backup = program.command('backup').description('copies of the whole installation');
  add('list', 'what is in backups/, newest first', () => import('./commands/backup-list.ts'), backup);
  add('now', 'have the backup agent make one, and wait for it', () => import('./commands/backup-now.ts'), backup);
  add(
    'verify <file>',
    'prove that it can be restored: unpack it, open its store',
    () => import('./commands/backup-verify.ts'),
    backup,
  );
  add(
    'restore <file> [folder]',
    'make a new or a stopped installation be what it says',
    () => import('./commands/backup-restore.ts'),
    backup,
  ).option('--install', 'then install its packages');
  const store = program.command('store').description('jobs, slots and all else that is kept');
  add('check', 'look at every row and at the file, host or no host', () => import('./commands/store-check.ts'), store);
  add('mend', 'set aside what cannot be read, and keep it', () => import('./commands/store-mend.ts'), store);
  const service = program.command('service').description('the host as a service of systemd');
  add('install', 'write its unit, check it, start it', () => import('./commands/service-install.ts'), service)
    .option('--user', "for the user's own systemd, without root")
    .option('--dry-run', 'only print the unit')
    .option('--write-only', 'write the unit also where systemd does not run');
  const ownSystemd = ['--user', "in the user's own systemd"] as const;
  add('status', 'how it is', () => import('./commands/service-status.ts'), service).option(...ownSystemd);
  add('uninstall', 'stop it, remove its unit', () => import('./commands/service-uninstall.ts'), service).option(
    ...ownSystemd,
  );
  add('drill [names...]', 'put faults into canaries, measure how they are healed', () => import('./commands/drill.ts'));
  add('demo [fault]', 'watch the healer at work: leak, hang, crash, silence', () => import('./commands/demo.ts'));
  add('check', 'look at every plugin and agent file', () => import('./commands/check.ts'));
  const config = program.command('config').description('what is set, and where it is set');
  add('show [agent]', 'each value with its origin', () => import('./commands/config-show.ts'), config);
  add(
    'rollback',
    "back to the host's settings that last worked, while others are on probation",
    () => import('./commands/config-rollback.ts'),
    config,
  );
  add(
    'force',
    'take config/daruma.yaml as it is, whatever was seen of it',
    () => import('./commands/config-force.ts'),
    config,
  );
  return program;
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Of the package that runs. */
export function version(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}
