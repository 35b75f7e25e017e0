import type { AgentView } from '../../control/protocol.ts';
import { nextTime } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';

const PICKED_UP_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** The answer of {@link pickedUp}: the agent as the running host lists it, and the lines that tell of it; no agent where no host runs. */
interface PickedUp {
  agent: AgentView | undefined;
  tookMs: number | null;
  lines: string[];
}

/** Waits until the running host, if there is one, has taken up the written plugin; throws `NOT_PICKED_UP` after 10 seconds. */
export async function pickedUp(stage: Stage, name: string, file: string): Promise<PickedUp> {
  const from = stage.time.monotonic();
  const agent = await listedAgent(stage, name, file);
  if (!agent) return { agent, tookMs: null, lines: [] };
  const tookMs = Math.round(stage.time.monotonic() - from);
  if (agent.problem) return { agent, tookMs, lines: faultLines(agent.problem, stage.paint) };
  const next = agent.state === 'off' ? 'it is off' : await nextWords(stage, agent);
  const sign = stage.paint('green', '✓');
  return { agent, tookMs, lines: [`${sign} the running host picked it up in ${formatDuration(tookMs)}, ${next}`] };
}

/** The first slot is written a moment after the agent is in force: until then its time is worked out. */
async function nextWords(stage: Stage, { name, nextSlot, schedule }: AgentView): Promise<string> {
  const first = nextSlot ?? (schedule === null ? undefined : (await stage.ask('next', { agent: name, n: 1 })).times[0]);
  return first === undefined ? 'it runs when asked to' : `next run ${nextTime(Date.parse(first), stage.clock)}`;
}

/** The agent as the host lists it; undefined when no host runs. */
async function listedAgent(stage: Stage, name: string, file: string): Promise<AgentView | undefined> {
  const until = stage.time.monotonic() + PICKED_UP_WITHIN_MS;
  while (stage.time.monotonic() < until) {
    try {
      const status = await stage.ask('status', { agent: name });
      const agent = status.agents.find((one) => one.name === name);
      if (agent && (agent.version || agent.problem || agent.state === 'off')) return agent;
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      if (thrown.plain.code === 'HOST_DOWN') return undefined;
      if (thrown.plain.code !== 'AGENT_UNKNOWN') throw thrown;
    }
    await stage.time.sleep(LOOK_EVERY_MS);
  }
  const message = `${file} is written, but the host has not taken it up within ${PICKED_UP_WITHIN_MS / 1_000}s`;
  throw new Fault({ code: 'NOT_PICKED_UP', message, next: 'daruma check' });
}
