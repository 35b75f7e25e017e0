import type { PlainFault } from '../kernel/fault.ts';
import { type Emits, mayEmit } from './builder/emits.ts';
import type { Resolved } from './resolve/agent.ts';
import type { PluginFacts } from './resolve/set.ts';
import type { UnrecognizedFiles } from './unrecognized-files.ts';

/** What happens in the host, and is told in its log and events: no plugin gets a job of it. */
const OF_HOST =
  /^(?:incident\.(?:opened|healed|escalated|closed)|job\.(?:queued|started|done|failed|dead|retrying|cancelled|dropped|replayed)|host\.(?:started|stopped|lost|repaired)|worker\.(?:gone|started)|cell\.replaced|agent\.(?:added|removed|paused|resumed|quarantined|released|left)|config\.(?:probation|good|taken-back)|version\.(?:good|rolled-back|waived))$/;

/**
 * Adds the agents that listen to a topic that nothing in the installation can emit: to what happens in the host as problems,
 * the others as notes. An emit whose topic is only known when it runs may be any topic, but for those of the host. Pure.
 */
export function withUnheard(
  unrecognized: UnrecognizedFiles,
  agents: ReadonlyMap<string, Resolved>,
  plugins: ReadonlyMap<string, PluginFacts>,
): UnrecognizedFiles {
  const emitted = [...plugins.values()].map(({ good }) => good?.emits);
  const result: UnrecognizedFiles = { problems: [...unrecognized.problems], notes: [...unrecognized.notes] };
  for (const [name, { agent, origins }] of agents) {
    for (const topic of agent.on) {
      const isOfHost = OF_HOST.test(topic);
      // A plugin whose source nobody has looked at may emit whatever its author likes.
      const may = (one: Emits | undefined) =>
        one ? mayEmit(isOfHost ? { ...one, any: false } : one, topic) : !isOfHost;
      if (!emitted.some(may))
        result[isOfHost ? 'problems' : 'notes'].push(topicProblem(name, topic, isOfHost, placeIn(origins)));
    }
  }
  return result;
}

function topicProblem(agent: string, topic: string, isOfHost: boolean, place: Partial<PlainFault>): PlainFault {
  const listens = `${agent} listens to ${topic}, which no plugin emits: it never gets a job of it`;
  return {
    code: 'TOPIC_UNHEARD',
    message: isOfHost ? `${listens}; what happens in the host is no topic of plugins` : listens,
    ...place,
    next: isOfHost
      ? 'look at it from a plugin with a schedule and needs: { fleet: true }, or take it out of `on`'
      : `emit it from a plugin: await emit('${topic}', …), or take it out of \`on\``,
    data: { agent, topic },
  };
}

/** Where `on` was said: `plugins/x.ts`, `agents/x.yaml:6:3`. */
function placeIn(origins: Resolved['origins']): Partial<PlainFault> {
  const origin = origins.find(({ path }) => path === 'on')?.origin ?? '';
  const [, file, line, column] = /^(.+?)(?::(\d+):(\d+))?$/.exec(origin) ?? [];
  if (file === undefined) return {};
  return line === undefined ? { file } : { file, line: Number(line), column: Number(column) };
}
