import { Fault } from '../../kernel/fault.ts';
import { shortId } from '../../kernel/short-id.ts';
import type { Time } from '../../kernel/time.ts';
import type { Probationer, RollBackRequest, Rollouts, VersionFacts } from '../ports.ts';
import type { Resolved } from '../resolve/agent.ts';
import type { StoredVersion, Versions } from '../versions/versions.ts';
import {
  approveVersion,
  pinTo,
  type Rejected,
  type Rollout,
  rejectVersion,
  type Selection,
  unpin,
  waiveCause,
} from './rollout.ts';
import type { RolloutBook } from './rollout-book.ts';

interface RolloutsNeeds {
  time: Time;
  versions: Versions;
  book: RolloutBook;
  /** Decides anew which states are in force. */
  apply(): void;
  /** An agent's state in force is known to be good: listings and the memory for the next host say so soon. */
  approved(): void;
  /** The agent on another version, with its file as it is now; rejects with a Fault when they do not fit. */
  resolve(agent: string, version: StoredVersion): Promise<Resolved>;
}

const LEAST_PREFIX = 4;

/** Changes rollouts as people and probation ask for it; each change is in force when the call returns. */
export function createRollouts({ time, versions, book, apply, approved, resolve }: RolloutsNeeds): Rollouts {
  const { find, ...lookup } = lookUpVersions(versions, () => book.selections());

  function change(name: string, rollout: Rollout): boolean {
    const isChanged = book.put(name, rollout);
    if (isChanged) apply();
    return isChanged;
  }

  async function rollBack(name: string, ask: RollBackRequest) {
    const { rollout, now, wants } = book.known(name);
    if (ask.version === undefined) {
      if (now.is === 'probation' && rollout.good) {
        const { fingerprint, version } = now.inForce.agent;
        const why = { kind: 'by-hand', why: 'was taken back by hand', cause: null } as const;
        change(name, rejectVersion(rollout, { ...why, fingerprint, version: version.id, at: time.now() }));
      } else if (now.is === 'good' && rollout.before) {
        change(name, pinTo(rollout, rollout.before, wants, time.now()));
      } else throw nothingBefore(name, now);
    } else {
      const stored = find(wants.agent.version.plugin, ask.version);
      const { id } = stored.ref;
      const bad = rollout.bad.find((one) => one.version === id);
      if (bad && !ask.force && rollout.good?.agent.version.id !== id) throw isBad(name, bad);
      const states = [wants, rollout.good, rollout.before];
      const state = states.find((one) => one?.agent.version.id === id) ?? (await resolve(name, stored));
      const { rollout: newest, wants: newestWants } = book.known(name);
      change(name, pinTo(newest, state, newestWants, time.now()));
    }
    return book.known(name).now.inForce.agent;
  }

  return {
    probationers: () => [...book.selections().values()].flatMap((one) => probationerOf(one) ?? []),
    probationer: (name) => probationerOf(book.selections().get(name)),
    approve(name, fingerprint) {
      const now = book.selections().get(name);
      if (now?.inForce.agent.fingerprint !== fingerprint) return false;
      // The agent runs on as it is. A decision about all agents for each of a thousand that are approved would take a minute.
      const isChanged = book.approve(name, approveVersion(now.rollout, now.inForce));
      if (isChanged) approved();
      return isChanged;
    },
    reject(name, fingerprint, rejection) {
      const now = book.selections().get(name);
      if (now?.is !== 'probation' || now.inForce.agent.fingerprint !== fingerprint) return false;
      const { kind, why, cause } = rejection;
      const version = now.inForce.agent.version.id;
      return change(name, rejectVersion(now.rollout, { kind, why, cause, fingerprint, version, at: time.now() }));
    },
    waive(name, fingerprint, cause) {
      const now = book.selections().get(name);
      return now?.is === 'rolled-back' && change(name, waiveCause(now.rollout, fingerprint, cause, time.now()));
    },
    rollBack,
    latest(name) {
      const { rollout, wants } = book.known(name);
      change(name, unpin(rollout, wants));
      return book.known(name).now.inForce.agent;
    },
    statesOf(name) {
      const { rollout, wants } = book.known(name);
      return { wanted: wants.agent, good: rollout.good?.agent ?? null };
    },
    async resolveOn(name, version) {
      const { plugin } = book.known(name).wants.agent.version;
      const stored = typeof version === 'string' ? find(plugin, version) : version;
      return (await resolve(name, stored)).agent;
    },
    rolledBack: () =>
      [...book.selections()].flatMap(([agent, { is, rejected, inForce }]) => {
        if (is !== 'rolled-back' || !rejected) return [];
        const { version: bad, kind, why, at } = rejected;
        return [{ agent, bad, good: inForce.agent.version.id, kind, why, at }];
      }),
    ...lookup,
  };
}

/** Undefined: the agent has no state on probation. */
function probationerOf(selection: Selection | undefined): Probationer | undefined {
  if (selection?.is !== 'probation') return undefined;
  const { inForce, rollout } = selection;
  const { since, waived } = rollout.probation!;
  return { agent: inForce.agent, since, waived, good: rollout.good?.agent ?? null };
}

/** The facts of a selection that say which version an agent runs. */
type SelectedVersion = Pick<Selection, 'inForce' | 'rollout'> & { is: string };

/** The kept versions of plugins, their use by agents, and their sources. */
export function lookUpVersions(versions: Versions, selections: () => ReadonlyMap<string, SelectedVersion>) {
  function find(plugin: string, prefix: string): StoredVersion {
    const found = versions.of(plugin).filter(({ ref }) => ref.id.startsWith(prefix));
    if (found.length === 1 && prefix.length >= LEAST_PREFIX) return found[0]!;
    const many = found.length > 0;
    const message = many ? `"${prefix}" is not enough to tell versions apart` : `${plugin} has no version ${prefix}`;
    throw new Fault({ code: 'VERSION_UNKNOWN', message, next: `daruma versions ${plugin}` });
  }

  return {
    /** A version by its first digits, four at least. Throws a Fault. */
    find,
    versionsOf: (plugin: string): VersionFacts[] =>
      versions.of(plugin).map(({ ref, madeAt, bytes }) => ({
        id: ref.id,
        madeAt,
        bytes,
        agents: [...selections()].flatMap(([agent, one]) => rolloutAs(agent, one, plugin, ref.id)),
      })),
    sourcesOf: async (plugin: string, prefix: string) => versions.sources(find(plugin, prefix)),
  };
}

/** The role of a version for an agent: none, or one word. */
function rolloutAs(
  agent: string,
  { inForce, is, rollout }: SelectedVersion,
  plugin: string,
  id: string,
): VersionFacts['agents'] {
  const runs = inForce.agent.version;
  if (runs.plugin !== plugin) return [];
  if (runs.id === id) return [{ agent, is: is === 'probation' ? 'probation' : 'good', runs: true }];
  const isGood = [rollout.good, rollout.before].some((one) => one?.agent.version.id === id);
  if (isGood) return [{ agent, is: 'good', runs: false }];
  const bad = rollout.bad.find(({ version }) => version === id);
  return bad ? [{ agent, is: 'bad', runs: false, why: bad.why }] : [];
}

function isBad(agent: string, { version, why }: Rejected): Fault {
  const id = shortId(version);
  const next = `daruma rollback ${agent} ${id} --force`;
  return new Fault({ code: 'VERSION_BAD', message: `version ${id} ${why}`, next });
}

function nothingBefore(agent: string, { is, inForce }: Selection): Fault {
  const { plugin } = inForce.agent.version;
  const state = { probation: 'nothing good came before it', good: 'nothing good came before it' };
  const already = `it runs ${shortId(inForce.agent.version.id)} already`;
  const message = `${agent} cannot go back any further: ${is in state ? state[is as 'good'] : already}`;
  return new Fault({ code: 'NOTHING_BEFORE', message, next: `daruma versions ${plugin}` });
}
