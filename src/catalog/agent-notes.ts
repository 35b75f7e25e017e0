import { resolve } from 'node:path';
import type { Agent, ScheduleSpec } from '../jobs/agent.ts';
import { notesOn } from '../kernel/cron/check.ts';
import { timetableOf } from '../kernel/cron/timetable.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { foreignPlace, type MountTable, readMounts } from '../kernel/mounts.ts';
import { mountsOfMachine } from '../kernel/proc.ts';
import { linkTarget, realOf } from '../kernel/real-path.ts';
import { suggest } from '../kernel/suggest.ts';
import { HOST_TOPICS, isHostTopic, isReservedTopic, topicReserved } from '../plugin/host-events.ts';
import { mayEmit } from './builder/emits.ts';
import type { ValueSource } from './ports.ts';
import type { Resolved } from './resolve/agent.ts';
import type { PluginFacts } from './resolve/set.ts';
import type { UnrecognizedFiles } from './unrecognized-files.ts';

/**
 * Adds what is wrong with topics: agents that listen to a topic of the host that there is not, and plugins that emit a topic of
 * the host, as problems; agents that listen to a topic that nothing in the installation can emit, as notes. An emit whose
 * topic is only known when it runs may be any topic of plugins. Pure.
 */
export function withTopics(
  unrecognized: UnrecognizedFiles,
  agents: ReadonlyMap<string, Resolved>,
  plugins: ReadonlyMap<string, PluginFacts>,
): UnrecognizedFiles {
  const problems = [...unrecognized.problems];
  const notes = [...unrecognized.notes];
  for (const [plugin, { good }] of plugins) {
    for (const topic of (good?.emits?.topics ?? []).filter(isReservedTopic))
      problems.push({ ...topicReserved(plugin, topic), data: { plugin, topic } });
  }
  const emitted = [...plugins.values()].map(({ good }) => good?.emits);
  // A plugin whose source was not read for topics may emit any topic.
  const isEmitted = (topic: string) => emitted.some((one) => !one || mayEmit(one, topic));
  for (const [name, { agent, origins }] of agents) {
    const place = originPlace(origins.find(({ path }) => path === 'on'));
    for (const topic of agent.on.filter((one) => !isHostTopic(one))) {
      if (isReservedTopic(topic)) problems.push(topicUnknown(name, topic, place));
      else if (!isEmitted(topic)) notes.push(topicUnemitted(name, topic, place));
    }
  }
  return { problems, notes };
}

function topicUnknown(agent: string, topic: string, place: Partial<PlainFault>): PlainFault {
  const near = suggest(topic, HOST_TOPICS);
  return {
    code: 'TOPIC_UNKNOWN',
    message: `${agent} listens to ${topic}: topics that begin so are the host's own, and it has none of that name`,
    ...place,
    next: near ? `did you mean ${near}?` : `the host's topics: ${HOST_TOPICS.join(', ')}`,
    data: { agent, topic },
  };
}

function topicUnemitted(agent: string, topic: string, place: Partial<PlainFault>): PlainFault {
  return {
    code: 'TOPIC_UNHEARD',
    message: `${agent} listens to ${topic}, which no plugin emits: it never gets a job of it`,
    ...place,
    next: `emit it from a plugin: await emit('${topic}', …), or take it out of \`on\``,
    data: { agent, topic },
  };
}

/** A schedule is read once: with a thousand agents, one save must not read all of them anew. */
const read = new WeakMap<ScheduleSpec, { notes: string[]; text: string }>();

/** Notes on parts of an agent's schedule that a reader could take for something else. */
export function scheduleNotes(agents: ReadonlyMap<string, Resolved>): PlainFault[] {
  return [...agents].flatMap(([name, { agent, origins }]) => {
    const { schedule } = agent;
    if (!schedule) return [];
    const { notes, text } = readingOf(schedule);
    const said = origins.find(({ path, origin }) => (path === 'schedule' || path === 'at') && origin !== 'default');
    const message = `the schedule of ${name}, ${text}: `;
    return notes.map((note) => ({ code: 'SCHEDULE_NOTE', message: message + note, ...originPlace(said) }));
  });
}

function readingOf(schedule: ScheduleSpec) {
  const known = read.get(schedule);
  if (known) return known;
  const reading = readOnce(schedule);
  read.set(schedule, reading);
  return reading;
}

/** A schedule that cannot be kept is told by status and incidents. */
function readOnce(schedule: ScheduleSpec) {
  try {
    const timetable = timetableOf(schedule);
    return { notes: notesOn(timetable), text: timetable.text };
  } catch {
    return { notes: [], text: '' };
  }
}

/** The notes on granted paths of an agent, made once for each agent until {@link forgetGrants}. */
let grants = new WeakMap<Agent, PlainFault[]>();

/** Lets links that lead elsewhere by now be noted. */
export function forgetGrants(): void {
  grants = new WeakMap();
}

/** Where a path leads. Links are followed up to a device that may not answer: nothing of that is touched. */
const leadsTo = (path: string, mounts: MountTable) => foreignPlace(path, mounts, linkTarget)?.path ?? realOf(path);

/** Paths of `needs.read` and `needs.write` that are links, or lie behind one: the agent gets what they lead to. */
export function grantNotes(agents: ReadonlyMap<string, Resolved>, folder: string): PlainFault[] {
  const isKnown = [...agents.values()].every(({ agent }) => grants.has(agent));
  const mounts = readMounts(folder, isKnown ? '' : mountsOfMachine());
  return [...agents.values()].flatMap(({ agent, origins }) => {
    const known = grants.get(agent) ?? notesOnGrants(agent, origins, folder, mounts);
    grants.set(agent, known);
    return known;
  });
}

function notesOnGrants(
  { name, needs }: Agent,
  origins: Resolved['origins'],
  folder: string,
  mounts: MountTable,
): PlainFault[] {
  return (['read', 'write'] as const).flatMap((need) =>
    needs[need].flatMap((path) => {
      const at = resolve(folder, path);
      const real = leadsTo(at, mounts);
      if (real === at) return [];
      const said = origins.find((one) => one.path === `needs.${need}`);
      const message = `${name} may ${need} ${path}, which leads to ${real}: that is what it gets`;
      const next = 'name the folder itself, or turn the link';
      return [
        { code: 'GRANT_ELSEWHERE', message, ...originPlace(said), next, data: { agent: name, need, path, real } },
      ];
    }),
  );
}

/** The place at which a value was said: `plugins/x.ts`, `agents/x.yaml:6:3`; empty for a default. */
export function originPlace(said: ValueSource | undefined): Partial<PlainFault> {
  const [, file, line, column] = /^(.+?)(?::(\d+):(\d+))?$/.exec(said?.origin ?? '') ?? [];
  if (file === undefined || file === 'default') return {};
  return line === undefined ? { file } : { file, line: Number(line), column: Number(column) };
}
