import { readFile } from 'node:fs/promises';
import { definePlugin, GiveUp, z } from 'daruma';
import { endTree } from './lib/process-end.ts';
import { allProcesses, ownBytes, type Process, treeOf } from './lib/processes.ts';
import { escapeMarkdown, markdownTable } from './lib/text.ts';
import { bytesOf, duration, msOf, showBytes, showMany, size } from './lib/units.ts';

const watched = z.strictObject({
  name: z.string().min(1).describe('What it is called in messages.'),
  command: z
    .string()
    .min(1)
    .optional()
    .describe('A regular expression that finds the command lines of its first processes.'),
  pidFile: z
    .string()
    .startsWith('/')
    .optional()
    .describe('In place of `command`: a file with the id of its first process.'),
  memory: size().default('4GB').describe('The most that the whole tree may hold.'),
  count: z.int().min(1).default(100).describe('The most processes of the tree.'),
  kill: z
    .boolean()
    .default(false)
    .describe('true: the tree is ended at the second look that finds too much; needs.kill has to allow it.'),
});
type Watched = z.output<typeof watched>;

/** A tree as it was found. */
interface Tree {
  name: string;
  processes: Process[];
  bytes: number;
  /** The excess in words; null: nothing is too much. */
  excess: string | null;
}

export default definePlugin({
  about:
    'Fails when a tree of processes holds too much memory, or has too many processes; ends it where the agent file says so.',
  settings: z.strictObject({
    watch: z.array(watched).max(50).default([]).describe('The trees to look at. One that is not there holds nothing.'),
    grace: duration().default('5s').describe('Between SIGTERM and SIGKILL.'),
    channels: z
      .array(z.string().min(1))
      .default(['post-file'])
      .describe('Channel agents that are told of a tree that was ended.'),
  }),
  // The second look comes after the pause: a peak of a moment is no finding.
  limits: { memory: '96MB', timeout: '1m', attempts: 2, backoff: { first: '5s', longest: '5s' }, staleAfter: '1m' },
  needs: { read: ['/proc', '/run'], kill: ['*'] },
  async run({ settings, job, send, kill, signal, log, summary }) {
    const all = await allProcesses();
    const trees = await Promise.all(settings.watch.map((one) => look(one, all)));
    summary(tableOf(trees));
    const over = trees.filter(({ excess }) => excess !== null);
    const toEnd = over.filter(
      ({ name }) => job.attempt > 1 && settings.watch.some((one) => one.name === name && one.kill),
    );
    for (const tree of toEnd) {
      const one = settings.watch.find(({ name }) => name === tree.name)!;
      const find = async () => (await look(one, await allProcesses())).processes;
      const ended = await endTree(find, { kill, graceMs: msOf(settings.grace), signal });
      const text = `${tree.name}: ${tree.excess}. ${showMany(ended, 'process', 'processes')} ended.`;
      log.warn(text, { roots: rootsOf(tree) });
      for (const channel of settings.channels)
        await send(
          channel,
          { title: `${tree.name} was ended`, text, level: 'warning' },
          { key: `process-watch:${job.id}:${tree.name}` },
        );
    }
    const left = over.filter((tree) => !toEnd.includes(tree));
    if (left.length > 0)
      throw new Error(left.map((tree) => `${tree.name}: ${tree.excess}; ${rootsOf(tree)}`).join('. '));
    return {
      trees: trees.map(({ name, processes, bytes }) => ({ name, processes: processes.length, bytes })),
      ended: toEnd.map(({ name }) => name),
    };
  },
});

async function look(one: Watched, all: readonly Process[]): Promise<Tree> {
  const processes = treeOf(await firstOf(one, all), all);
  const bytes = (await Promise.all(processes.map(ownBytes))).reduce((sum, own) => sum + own, 0);
  const excess = [
    processes.length > one.count &&
      `${showMany(processes.length, 'process', 'processes')}, expected at most ${one.count}`,
    bytes > bytesOf(one.memory) && `${showBytes(bytes)} of memory, expected at most ${one.memory}`,
  ].filter(Boolean);
  return { name: one.name, processes, bytes, excess: excess.length === 0 ? null : excess.join(' and ') };
}

/** The processes that the tree begins with. */
async function firstOf({ name, command, pidFile }: Watched, all: readonly Process[]): Promise<Process[]> {
  if ((command === undefined) === (pidFile === undefined))
    throw new GiveUp(`settings.watch: ${name} needs either command or pidFile`);
  if (command !== undefined) return all.filter((one) => new RegExp(command, 'u').test(one.command));
  const text = await readFile(pidFile!, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''; // it does not run
    throw error;
  });
  return all.filter(({ pid }) => pid === Number.parseInt(text, 10));
}

/** The first processes of the tree: those that no other of it started. */
function rootsOf({ processes }: Tree): string {
  const inside = new Set(processes.map(({ pid }) => pid));
  const roots = processes.filter(({ parent }) => !inside.has(parent));
  return roots
    .slice(0, 3)
    .map(({ pid, command }) => `${pid} ${command.slice(0, 100)}`)
    .join(', ');
}

function tableOf(trees: readonly Tree[]): string {
  if (trees.length === 0) return 'Nothing is watched: `settings.watch` of the agent file is empty.';
  const rows = trees.map(({ name, processes, bytes, excess }) => [
    excess === null ? '✓' : '✗',
    escapeMarkdown(name),
    String(processes.length),
    showBytes(bytes),
    escapeMarkdown(excess ?? ''),
  ]);
  return markdownTable(['', 'tree', 'processes:', 'memory:', 'too much'], rows);
}
