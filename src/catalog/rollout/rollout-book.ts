import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { shortId } from '../../kernel/short-id.ts';
import type { Time } from '../../kernel/time.ts';
import type { Listing } from '../ports.ts';
import type { Resolved } from '../resolve/agent.ts';
import type { ResolvedSet } from '../resolve/set.ts';
import { NO_ROLLOUT, type Rejected, type Rollout, type Selection, selectVersion } from './rollout.ts';

/** The rollouts of all agents, and the selection that each of them came to last. */
export interface RolloutBook {
  /** Takes over the rollouts of an earlier host. */
  load(rollouts: ReadonlyMap<string, Rollout>): void;
  /**
   * The agents and listings of a set, with the selected states in place of those that the files describe. `running`: the
   * agents in force until now. The set stays as it is.
   */
  settle(
    set: Pick<ResolvedSet, 'agents' | 'listings'>,
    running: ReadonlyMap<string, Resolved>,
  ): Pick<ResolvedSet, 'agents' | 'listings'>;
  /** Replaces the rollout of an agent; false: the rollout is that already. {@link settle} puts it in force. */
  put(agent: string, rollout: Rollout): boolean;
  /** Replaces the rollout of an agent whose state in force is good from now on, in its selection as well; false: it is that already. */
  approve(agent: string, rollout: Rollout): boolean;
  /** An agent with its rollout, its selection and the state that its files describe. Throws a Fault when no state is known. */
  known(agent: string): { rollout: Rollout; now: Selection; wants: Resolved };
  /** Selections by agent, of the last {@link settle}. */
  selections(): ReadonlyMap<string, Selection>;
  /** The same object as long as nothing has changed. */
  all(): ReadonlyMap<string, Rollout>;
  /** Versions, as `plugin/id`, that are good or may be asked for again. */
  used(): string[];
}

/** Rollouts of agents that no file names any more are kept up to this number: files are moved away and back. */
const KEPT_GONE = 100;

/** A book without any rollout. */
export function createRolloutBook({ time }: { time: Time }): RolloutBook {
  const book = new Map<string, Rollout>();
  /** The states that the files of each agent describe, as far as they could be resolved. */
  const wanted = new Map<string, Resolved>();
  let selections = new Map<string, Selection>();
  let snapshot: ReadonlyMap<string, Rollout> | undefined;

  function put(name: string, rollout: Rollout): boolean {
    if (book.get(name) === rollout) return false;
    book.set(name, rollout);
    snapshot = undefined;
    return true;
  }

  function known(name: string): ReturnType<RolloutBook['known']> {
    const now = selections.get(name);
    const wants = wanted.get(name);
    if (now && wants) return { rollout: now.rollout, now, wants };
    throw new Fault({
      code: 'AGENT_OFF',
      message: `no state of ${name} is known from its files`,
      next: 'daruma check',
    });
  }

  function forgetGone(named: ReadonlySet<string>) {
    const gone = [...book.keys()].filter((name) => !named.has(name));
    for (const name of gone) wanted.delete(name);
    for (const name of gone.slice(0, Math.max(0, gone.length - KEPT_GONE))) book.delete(name);
    if (gone.length > KEPT_GONE) snapshot = undefined;
  }

  return {
    load(rollouts) {
      for (const [name, rollout] of rollouts) book.set(name, { ...NO_ROLLOUT, ...rollout });
    },
    settle(set, running) {
      const now = time.now();
      const next = new Map<string, Selection>();
      const agents = new Map(set.agents);
      for (const [name, resolved] of set.agents) {
        // A set hands on the running state where the files say nothing new: the last state that they described counts.
        if (resolved !== running.get(name)) wanted.set(name, resolved);
        const wants = wanted.get(name);
        if (!wants) continue;
        const selection = selectVersion(book.get(name) ?? NO_ROLLOUT, wants, now);
        put(name, selection.rollout);
        next.set(name, selection);
        agents.set(name, selection.inForce);
      }
      selections = next;
      forgetGone(new Set(set.listings.map(({ name }) => name)));
      return { agents, listings: set.listings.map((listing) => withRollout(listing, next.get(listing.name))) };
    },
    put,
    approve(name, rollout) {
      const { wants } = known(name);
      if (!put(name, rollout)) return false;
      const selection = selectVersion(rollout, wants, time.now());
      put(name, selection.rollout);
      selections.set(name, selection);
      return true;
    },
    known,
    selections: () => selections,
    all: () => (snapshot ??= new Map(book)),
    used: () => [...book.values()].flatMap(versionsIn),
  };
}

function withRollout(listing: Listing, selection: Selection | undefined): Listing {
  // The listing may be the former one, with its rollout's problem.
  const problem = listing.problem?.code === 'ROLLED_BACK' ? null : listing.problem;
  if (!selection) return problem === listing.problem ? listing : { ...listing, problem };
  const { is, rejected, inForce } = selection;
  const rolledBack = rejected ? rolledBackFault(listing, rejected, inForce) : null;
  return { ...listing, problem: problem ?? rolledBack, rollout: is };
}

/** The files that an agent is made of, for advice: only those that exist. */
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

/** Versions that must not be pruned. */
function versionsIn({ good, before, pin }: Rollout): string[] {
  return [good, before, pin?.resolved].flatMap((one) =>
    one ? `${one.agent.version.plugin}/${one.agent.version.id}` : [],
  );
}
