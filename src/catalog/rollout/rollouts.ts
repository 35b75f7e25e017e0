import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { shortId } from '../../kernel/short-id.ts';
import type { Time } from '../../kernel/time.ts';
import type { Listing, RollBackRequest, Rollouts, VersionFacts } from '../ports.ts';
import type { Resolved } from '../resolve/agent.ts';
import type { ResolvedSet } from '../resolve/set.ts';
import type { StoredVersion, Versions } from '../versions/versions.ts';
import {
  approveVersion,
  NO_ROLLOUT,
  pinTo,
  type Rejected,
  type Rollout,
  rejectVersion,
  type Selection,
  selectVersion,
  unpin,
  versionsIn,
  waiveCause,
} from './rollout.ts';

/** What is known of all agents' states, and which of them run. */
interface RolloutBook extends Rollouts {
  /** What an earlier host knew. */
  load(rollouts: ReadonlyMap<string, Rollout>): void;
  /** Puts what is to run in the place of what the files say, and says so in the listings. */
  settle(set: ResolvedSet, running: ReadonlyMap<string, Resolved>): void;
  /** The same object as long as nothing has changed. */
  all(): ReadonlyMap<string, Rollout>;
  /** Versions, as `plugin/id`, that are good or may be asked for again. */
  used(): string[];
}

interface RolloutsNeeds {
  time: Time;
  versions: Versions;
  /** Decides anew what runs. */
  apply(): void;
  /** The agent on another version, with its file as it is now; rejects with a Fault when they do not fit. */
  resolve(agent: string, version: StoredVersion): Promise<Resolved>;
}

/** Agents that nothing names any more are remembered until there are so many of them: files are moved away and back. */
const KEPT_GONE = 100;
const LEAST_PREFIX = 4;

export function createRollouts(needs: RolloutsNeeds): RolloutBook {
  const { time, versions } = needs;
  const book = new Map<string, Rollout>();
  /** What the files of each agent say, as far as it could be resolved. */
  const wanted = new Map<string, Resolved>();
  let selections = new Map<string, Selection>();
  let snapshot: ReadonlyMap<string, Rollout> | undefined;

  function put(name: string, rollout: Rollout): boolean {
    if (book.get(name) === rollout) return false;
    book.set(name, rollout);
    snapshot = undefined;
    return true;
  }

  function settle(set: ResolvedSet, running: ReadonlyMap<string, Resolved>) {
    const now = time.now();
    const next = new Map<string, Selection>();
    for (const [name, resolved] of set.agents) {
      // What runs is handed on when nothing new can be said of the files: then the last that was said counts.
      if (resolved !== running.get(name)) wanted.set(name, resolved);
      const wants = wanted.get(name);
      if (!wants) continue;
      const one = selectVersion(book.get(name) ?? NO_ROLLOUT, wants, now);
      put(name, one.rollout);
      next.set(name, one);
      set.agents.set(name, one.inForce);
    }
    selections = next;
    set.listings = set.listings.map((listing) => withRollout(listing, next.get(listing.name)));
    forgetGone(new Set(set.listings.map(({ name }) => name)));
  }

  function forgetGone(named: ReadonlySet<string>) {
    const gone = [...book.keys()].filter((name) => !named.has(name));
    for (const name of gone) wanted.delete(name);
    for (const name of gone.slice(0, Math.max(0, gone.length - KEPT_GONE))) book.delete(name);
    if (gone.length > KEPT_GONE) snapshot = undefined;
  }

  function known(name: string): { rollout: Rollout; now: Selection; wants: Resolved } {
    const now = selections.get(name);
    const wants = wanted.get(name);
    if (now && wants) return { rollout: now.rollout, now, wants };
    throw new Fault({
      code: 'AGENT_OFF',
      message: `no state of ${name} is known from its files`,
      next: 'daruma check',
    });
  }

  function change(name: string, rollout: Rollout): boolean {
    const isChanged = put(name, rollout);
    if (isChanged) needs.apply();
    return isChanged;
  }

  async function rollBack(name: string, ask: RollBackRequest) {
    const { rollout, now, wants } = known(name);
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
      const state = states.find((one) => one?.agent.version.id === id) ?? (await needs.resolve(name, stored));
      const { rollout: newest, wants: newestWants } = known(name);
      change(name, pinTo(newest, state, newestWants, time.now()));
    }
    return known(name).now.inForce.agent;
  }

  function find(plugin: string, prefix: string): StoredVersion {
    const found = versions.of(plugin).filter(({ ref }) => ref.id.startsWith(prefix));
    if (found.length === 1 && prefix.length >= LEAST_PREFIX) return found[0]!;
    const many = found.length > 0;
    const message = many ? `"${prefix}" is not enough to tell versions apart` : `${plugin} has no version ${prefix}`;
    throw new Fault({ code: 'VERSION_UNKNOWN', message, next: `daruma versions ${plugin}` });
  }

  return {
    load(rollouts) {
      for (const [name, rollout] of rollouts) book.set(name, { ...NO_ROLLOUT, ...rollout });
    },
    settle,
    all: () => (snapshot ??= new Map(book)),
    used: () => [...book.values()].flatMap(versionsIn),

    probationers() {
      const probationers = [];
      for (const { is, inForce, rollout } of selections.values()) {
        if (is !== 'probation') continue;
        const { since, waived } = rollout.probation!;
        probationers.push({ agent: inForce.agent, since, waived, good: rollout.good?.agent ?? null });
      }
      return probationers;
    },
    approve(name, fingerprint) {
      const now = selections.get(name);
      if (now?.inForce.agent.fingerprint !== fingerprint) return false;
      return change(name, approveVersion(now.rollout, now.inForce));
    },
    reject(name, fingerprint, rejection) {
      const now = selections.get(name);
      if (now?.is !== 'probation' || now.inForce.agent.fingerprint !== fingerprint) return false;
      const { kind, why, cause } = rejection;
      const version = now.inForce.agent.version.id;
      return change(name, rejectVersion(now.rollout, { kind, why, cause, fingerprint, version, at: time.now() }));
    },
    waive(name, fingerprint, cause) {
      const now = selections.get(name);
      return now?.is === 'rolled-back' && change(name, waiveCause(now.rollout, fingerprint, cause, time.now()));
    },
    rollBack,
    latest(name) {
      const { rollout, wants } = known(name);
      change(name, unpin(rollout, wants));
      return known(name).now.inForce.agent;
    },
    statesOf(name) {
      const { rollout, wants } = known(name);
      return { wanted: wants.agent, good: rollout.good?.agent ?? null };
    },
    async resolveOn(name, version) {
      const { plugin } = known(name).wants.agent.version;
      const stored = typeof version === 'string' ? find(plugin, version) : version;
      return (await needs.resolve(name, stored)).agent;
    },
    versionsOf: (plugin) =>
      versions.of(plugin).map(({ ref, madeAt, bytes }) => ({
        id: ref.id,
        madeAt,
        bytes,
        agents: [...selections].flatMap(([agent, one]) => rolloutAs(agent, one, plugin, ref.id)),
      })),
    sourcesOf: async (plugin, prefix) => versions.sources(find(plugin, prefix)),
  };
}

/** What a version is to an agent: nothing, or one word. */
function rolloutAs(
  agent: string,
  { inForce, is, rollout }: Selection,
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

function withRollout(listing: Listing, selections: Selection | undefined): Listing {
  // A listing may be that of the last time.
  const problem = listing.problem?.code === 'ROLLED_BACK' ? null : listing.problem;
  if (!selections) return problem === listing.problem ? listing : { ...listing, problem };
  const { is, rejected, inForce } = selections;
  const rolledBack = rejected ? rolledBackFault(listing, rejected, inForce) : null;
  return { ...listing, problem: problem ?? rolledBack, rollout: is };
}

/** The files that an agent is made of, for advice: only those that are there. */
function filesOf({ origins }: Resolved): string {
  const at = (path: string) => origins.find((one) => one.path === path)?.origin.replace(/(?::\d+)+$/, '');
  return [...new Set([at('version'), at('plugin')])].filter(Boolean).join(' or ');
}

function rolledBackFault({ name }: Listing, { version, why, kind }: Rejected, running: Resolved): PlainFault {
  const { agent } = running;
  const now = shortId(agent.version.id);
  const bad = shortId(version);
  // The same code with other settings or limits is as good a reason.
  const what = version === agent.version.id ? `version ${bad} with its newest settings` : `version ${bad}`;
  const to = kind === 'by-hand' ? `held back at ${now}` : `rolled back to ${now}`;
  return {
    code: 'ROLLED_BACK',
    message: `${name} is ${to}: ${what} ${why}`,
    next: `mend ${filesOf(running)}, or force it: daruma rollback ${name} ${bad} --force`,
    data: { agent: name, version, runs: agent.version.id },
  };
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
