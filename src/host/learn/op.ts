import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInputCheck } from '../../catalog/files/input-check.ts';
import { hostsOf } from '../../catalog/resolve/net.ts';
import type { LearnedView } from '../../control/protocol.ts';
import type { Agent } from '../../jobs/agent.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { fleetNotInNeeds, llmNotInNeeds } from '../../kernel/needs-fault.ts';
import { realOf } from '../../kernel/real-path.ts';
import { createScrubber } from '../../kernel/scrub.ts';
import { createAnswers, type KnownEffect } from '../../sandbox/answers.ts';
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { networkOf } from '../../workers/host-allow-list.ts';
import { toJson } from '../../workers/inside/json.ts';
import type { NeedUse } from '../../workers/rehearsal.ts';
import { tryFence } from '../../workers/try-fence.ts';
import { mustTakeJobs } from '../always-agents.ts';
import type { OpTable } from '../api/handlers.ts';
import { agentInForce } from '../api/known.ts';
import type { HostContext } from '../host-context.ts';
import { isFileWithin, type LearnedNeeds, type NeedsPlace, needsFor, textOf } from './needs-for.ts';

/** Files that stood in the way are granted for a further attempt, so often. */
const MOST_ATTEMPTS = 10;
/** Folders of the installation that learning never opens: secrets, tokens and records of others are there. */
const CLOSED = ['data', 'config'];
/** … and those that it never lets be written: their files are code, which the host loads. */
const CODE = ['plugins', 'agents', 'node_modules'];

/** The operation that learns needs. A host learns of one agent at a time. */
export function learnOp(hostContext: HostContext): Pick<OpTable, 'learn'> {
  const { catalog, facts, time } = hostContext;
  const inputCheck = createInputCheck();
  let isBusy = false;

  return {
    async learn({ agent: name, input }, { gone }) {
      if (isBusy)
        throw new Fault({ code: 'LEARNING_BUSY', message: 'an agent is learned of already', next: 'wait for it' });
      isBusy = true;
      try {
        await catalog.rescan();
        const agent = agentInForce(catalog, name);
        mustTakeJobs(agent);
        const given = input === undefined ? await lastInput(hostContext, name) : toJson(input, 'the input', 'input');
        const wrong = inputCheck(agent, given);
        if (wrong) throw new Fault(wrong);
        await checkFence(facts.folder);
        const sandbox = await openSandbox(time, {
          folder: facts.folder,
          emptyFolder: join(facts.folder, 'data/run/empty'),
        });
        const leave = () => void sandbox.close();
        gone.addEventListener('abort', leave);
        try {
          return await learn(hostContext, sandbox, agent, { input: given, gone });
        } finally {
          gone.removeEventListener('abort', leave);
          await sandbox.close();
        }
      } finally {
        isBusy = false;
      }
    },
  };
}

async function lastInput({ store }: HostContext, agent: string): Promise<string | null> {
  const [job] = await store.list({ agent, limit: 1 });
  return job?.input ?? null;
}

/** Node's fence audits while an agent is learned of: the kernel's has to be there. */
async function checkFence(folder: string): Promise<void> {
  const { landlock, seccomp, fence } = await tryFence(folder);
  if (landlock > 0 && seccomp && fence !== 'none') return;
  throw new Fault({
    code: 'FENCE_MISSING',
    message: "needs are learned behind the kernel's fences only, and this kernel does not have them",
    next: 'daruma doctor says what is missing',
  });
}

/** Attempts until nothing new stands in the way. Effects of `once` are done once in all of them. */
async function learn(
  hostContext: HostContext,
  sandbox: Sandbox,
  agent: Agent,
  { input, gone }: { input: string | null; gone: AbortSignal },
): Promise<LearnedView> {
  const uses = new Map<string, NeedUse>();
  const place = placeOf(hostContext.facts.folder, agent);
  let effects: ReadonlyMap<string, KnownEffect> = new Map();
  let needs = agent.needs;
  for (let attempts = 1; ; attempts++) {
    const ran = await attempt(
      hostContext,
      sandbox,
      { ...agent, needs },
      { input, effects, uses, declared: agent.needs },
    );
    effects = ran.effects;
    const learned = needsFor([...uses.values()], agent.needs, place);
    const wider = grantedIn(learned, agent.needs, place);
    const isSame = wider.read.length === needs.read.length && wider.write.length === needs.write.length;
    if (isSame || attempts === MOST_ATTEMPTS || gone.aborted)
      return viewOf(hostContext, agent, learned, needsFor([], agent.needs, place).needs, wider, { ...ran, attempts });
    needs = wider;
  }
}

interface AttemptTerms {
  input: string | null;
  effects: ReadonlyMap<string, KnownEffect>;
  uses: Map<string, NeedUse>;
  declared: Agent['needs'];
}

async function attempt(hostContext: HostContext, sandbox: Sandbox, agent: Agent, terms: AttemptTerms) {
  const { time, facts, exec, setup } = hostContext;
  const job = `learn-${randomUUID()}`;
  const answers = answersOf(hostContext, agent.name, job, terms);
  const at = time.now();
  try {
    const { outcome } = await sandbox.run({
      // The network is open, and what is asked of the fleet and of models is answered below; files stay those of `needs`, by the kernel.
      agent: { ...agent, needs: { ...agent.needs, net: ['*'], fleet: true, llm: true }, workers: { min: 0, max: 1 } },
      assignment: {
        ...{ job, agent: agent.name, attempt: 1, attempts: 1, trigger: 'manual', slot: null, input: terms.input },
        ...{ queuedAt: at, runAt: at },
      },
      rehearsal: { folder: facts.folder, env: definedIn(process.env), now: null, net: 'real', learns: true },
      secrets: () => setup.secrets.values(agent),
      answer: answers.answer,
    });
    return { effects: answers.effects(), error: outcome.is === 'done' ? null : outcome.fault };
  } finally {
    exec.ended([{ job, attempt: 1 }]);
  }
}

/** Notes what an attempt asks its host for, and refuses what of it is not declared. */
function answersOf(
  { store, catalog, fleet, exec }: HostContext,
  agent: string,
  job: string,
  { effects, uses, declared }: AttemptTerms,
) {
  const note = (need: NeedUse['need'], what: string) => void uses.set(`${need} ${what}`, { need, what });
  return createAnswers({
    state: { get: (key) => store.getState(agent, key), keys: () => store.stateKeys(agent) },
    effects,
    fetchAttempts: 1,
    fetch: () =>
      Promise.reject(new Fault({ code: 'CALL_INVALID', message: 'the worker makes its requests by itself' })),
    async models() {
      note('llm', 'llm');
      if (declared.llm === false) throw new Fault(llmNotInNeeds(agent));
      return notLearning('no model is asked');
    },
    async exec({ ask: _, ...order }) {
      note('exec', JSON.stringify([order.command, ...order.args]));
      return exec.run({ ...order, agent, job, attempt: 1, needs: declared, network: networkOf(declared.net) });
    },
    kill: () => notLearning('no process is ended'),
    fleet(call) {
      note('fleet', 'fleet');
      if (!declared.fleet) throw new Fault(fleetNotInNeeds(agent));
      if (call.ask === 'fleetReport') return fleet.report(call.from, call.to);
      if (call.ask === 'fleetHealth') return fleet.health();
      if (call.ask === 'fleetParts') return fleet.parts();
      return notLearning('no backup is made, and no incident diagnosed,');
    },
    listeners: (topic) => [...catalog.agents().values()].filter(({ on }) => on.includes(topic)).length,
    used(list) {
      for (const { need, what } of list) note(need, what);
    },
  });
}

function notLearning(what: string): never {
  throw new Fault({ code: 'NOT_IN_LEARNING', message: `${what} while needs are learned` });
}

function definedIn(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The declared needs with the learned files that a run may have: those of the installation that hold no secret of others. */
function grantedIn({ needs }: LearnedNeeds, declared: Agent['needs'], place: NeedsPlace): Agent['needs'] {
  const read = needs.read.filter((path) => declared.read.includes(path) || isOpen(path, place, CLOSED));
  const write = needs.write.filter((path) => {
    if (declared.write.includes(path)) return true;
    // Daruma would make a folder of what the plugin means to be a file.
    const isFile = place.kindOf(resolve(place.folder, path)) === 'nothing' && /\.[^/]*$/.test(path);
    return !isFile && isOpen(path, place, [...CLOSED, ...CODE]);
  });
  return { ...declared, read, write };
}

function isOpen(path: string, { folder }: NeedsPlace, closed: readonly string[]): boolean {
  const home = realOf(folder);
  const real = realOf(resolve(folder, path));
  const inside = real === home || !isFileWithin(real, home) ? [] : real.slice(home.length + 1).split('/');
  return inside.length > 0 && !closed.includes(inside[0]!) && !inside.some((part) => part.startsWith('.'));
}

function placeOf(folder: string, { settings }: Agent): NeedsPlace {
  const given = (typeof settings === 'object' && settings !== null ? settings : {}) as Record<string, unknown>;
  const hosts = new Map<string, string>();
  for (const name of Object.keys(given)) {
    const found = hostsOf([`settings.${name}`], { [name]: given[name] }, { properties: { [name]: {} } });
    if ('net' in found) for (const host of found.net) if (host.includes(':')) hosts.set(host, `settings.${name}`);
  }
  // The state before the run was granted the folder: a file that is made anew next time needs the folder.
  const kinds = new Map<string, ReturnType<NeedsPlace['kindOf']>>();
  return {
    folder,
    kindOf(path) {
      const known = kinds.get(path) ?? kindOf(path);
      kinds.set(path, known);
      return known;
    },
    settingOf: (host) => hosts.get(host),
  };
}

function kindOf(path: string): ReturnType<NeedsPlace['kindOf']> {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? 'nothing' : stats.isDirectory() ? 'folder' : 'file';
  } catch {
    return 'nothing';
  }
}

function viewOf(
  { setup }: HostContext,
  agent: Agent,
  { needs, added, unused }: LearnedNeeds,
  declared: Agent['needs'],
  granted: Agent['needs'],
  { error, attempts }: { error: PlainFault | null; attempts: number },
): LearnedView {
  const scrub = createScrubber(setup.secrets.seen());
  // Network, of all that was not declared, is let through; files are from the second attempt on.
  const isRefused = ({ need, what }: NeedUse) =>
    need === 'read' || need === 'write' ? !granted[need].includes(what) : need !== 'net';
  return scrub.value({
    agent: agent.name,
    version: agent.version.id,
    attempts,
    state: error ? ('failed' as const) : ('done' as const),
    error,
    declared: plain(declared),
    needs: plain(needs),
    added: added.map((use) => ({ ...use, refused: isRefused(use) })),
    unused,
  });
}

/** The needs without keys that grant nothing. */
function plain({ fleet, llm, exec, ...lists }: Agent['needs']): LearnedView['needs'] {
  const all = { ...lists, exec: exec.map(textOf) };
  const said = Object.entries(all).filter(([, list]) => list !== undefined && list.length > 0);
  return { ...Object.fromEntries(said), ...(fleet ? { fleet } : {}), ...(llm ? { llm } : {}) };
}
