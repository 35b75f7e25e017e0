import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Op, Ops } from '../../control/protocol.ts';
import { shortId } from '../../kernel/short-id.ts';
import type { Stage } from '../ports.ts';
import type { Completion, NameKind } from './wanted.ts';

/** A completion waits for the host no longer than that; then the disk answers. */
const WITHIN_MS = 700;
const MOST = 50;

/** The names of an installation: of its host when that answers at once, else of its store and folders. */
export async function completionNames(stage: Stage, kinds: readonly NameKind[]): Promise<Completion[]> {
  const ask = await asking(stage);
  const lists = await Promise.all(kinds.map((kind) => OF[kind](stage, ask).catch(() => [])));
  return lists.flat();
}

type Ask = <O extends Op>(op: O, args: Ops[O]['args']) => Promise<Ops[O]['value']>;

async function asking(stage: Stage): Promise<Ask> {
  try {
    await stage.ask('ping', {}, WITHIN_MS);
    return (op, args) => stage.ask(op, args, WITHIN_MS);
  } catch {
    const offline = stage.launcher.offline(stage.folder);
    return async (op, args) => (await (await offline).ask(op, args)) as never;
  }
}

const OF: Record<NameKind, (stage: Stage, ask: Ask) => Promise<Completion[]>> = {
  async agent({ folder }, ask) {
    try {
      const { agents } = await ask('status', {});
      return agents.map(({ name, about }) => ({ word: name, about }));
    } catch {
      return [...new Set([...namesIn(folder, 'agents'), ...namesIn(folder, 'plugins')])].map(plain);
    }
  },
  plugin: async ({ folder }) => namesIn(folder, 'plugins').map(plain),
  async job(_, ask) {
    return (await ask('jobs', { limit: MOST })).map(({ id, agent, state }) => ({
      word: id,
      about: `${agent}, ${state}`,
    }));
  },
  async dead(_, ask) {
    const jobs = await ask('jobs', { states: ['dead'], limit: MOST });
    return jobs.map(({ id, agent, error }) => ({ word: id, about: `${agent}: ${error?.message ?? 'dead'}` }));
  },
  async incident(_, ask) {
    const incidents = await ask('incidents', { limit: MOST });
    return incidents.map(({ id, agent, verdict, state }) => ({
      word: id,
      about: `${agent ?? 'host'} ${verdict}, ${state}`,
    }));
  },
  async cause(_, ask) {
    return (await ask('dlq', {})).map(({ cause, agent, count }) => ({ word: cause, about: `${count} of ${agent}` }));
  },
  async topic(_, ask) {
    const events = await ask('events', { limit: 500 });
    return [...new Set(events.map(({ kind }) => kind))].sort().map(plain);
  },
  async version(stage, ask) {
    const plugins = namesIn(stage.folder, 'plugins');
    const kept = await Promise.all(plugins.map((plugin) => ask('versions', { plugin }).catch(() => undefined)));
    return kept.flatMap((one) =>
      (one?.versions ?? []).map(({ id }) => ({ word: shortId(id), about: `of ${one!.plugin}` })),
    );
  },
  async backup(stage) {
    const backups = (await stage.launcher.backups(stage.folder)).list();
    return backups.map(({ file, at }) => ({ word: `backups/${file}`, about: `made ${at}` }));
  },
};

function namesIn(folder: string, place: 'agents' | 'plugins'): string[] {
  const pattern =
    place === 'agents' ? /^([a-z0-9][a-z0-9-]*)\.ya?ml$/ : /^([a-z0-9][a-z0-9-]*)\.(?:ts|mts|tsx|js|mjs|jsx)$/;
  try {
    return readdirSync(join(folder, place)).flatMap((file) => pattern.exec(file)?.[1] ?? []);
  } catch {
    return [];
  }
}

const plain = (word: string): Completion => ({ word, about: '' });
