import type { Ops, StatusView, TrendsView } from '../../control/protocol.ts';
import { type Clock, fullTime, shortTime } from '../../kernel/clock.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import { HOUR_MS } from '../../kernel/measures.ts';
import { formatSize } from '../../kernel/units.ts';
import type { Page, PageCall } from '../page.ts';
import { collisionsOf } from './collisions.ts';
import { addressOf, Said, Section } from './parts.tsx';
import { inShell } from './shell.tsx';

type SlotView = Ops['slots']['value'][number];

const AROUND_MS = 12 * HOUR_MS;
/** Slots that a lane shows as marks, at most. */
const MOST_MARKS = 200;
/**
 * Planned times that the page asks for, at most; the lane of an agent with more of them within the hours is drawn as
 * planned all along.
 */
const AHEAD = 100;
const HEIGHT = 20;
const MOST_COLLISIONS = 10;
/** Agents that a collision names. */
const MOST_NAMED = 8;

/** The lanes of all schedules, 12 hours before and after now. A mark leads to the reason for what became of its slot. */
export const schedulePage: Page = {
  path: '/schedule',
  async render(call) {
    const [why, lanes, trends] = await Promise.all([
      whyOf(call),
      lanesOf(call),
      call.ask('trends', { window: '7d' }).catch(() => undefined),
    ]);
    return inShell(call, 'Schedule', (status) => (
      <>
        {why && <WhyBox why={why} clock={call.clock} />}
        <Section title="12 hours before and after now" id="lanes">
          <p class="legend">
            {LEGEND.map(({ is, text }) => (
              <span>
                <svg viewBox="0 0 14 14" aria-hidden="true">
                  <path class={is} d={SHAPES[is]} transform="translate(7 7)" />
                </svg>{' '}
                {text}
              </span>
            ))}
          </p>
          <Lanes lanes={lanes} call={call} />
        </Section>
        <Collisions lanes={lanes} status={status} trends={trends} clock={call.clock} />
      </>
    ));
  },
};

async function whyOf({ ask, query }: PageCall) {
  const [agent, at] = [query.get('agent'), query.get('at')];
  return agent && at ? await ask('why', { agent, at }).catch(() => undefined) : undefined;
}

interface LaneView {
  agent: string;
  slots: readonly SlotView[];
  /** More slots than marks fit: `slots` are those that did not run in time. */
  isDense: boolean;
  /** Jobs that ended in each of the last 24 hours, oldest first: where a dense lane ran. */
  hours: readonly { done: number; dead: number }[];
}

/** The slots of each agent with a schedule, and its planned times: of these only the next is a slot already. */
async function lanesOf({ ask, clock }: PageCall): Promise<LaneView[]> {
  const { agents } = await ask('status', {});
  const [from, to] = [clock.now - AROUND_MS, clock.now + AROUND_MS];
  const denseUntil = clock.now + (2 * AROUND_MS * AHEAD) / MOST_MARKS;
  const scheduled = agents.filter(({ schedule }) => schedule !== null).slice(0, MOST_LANES);
  return await Promise.all(
    scheduled.map(async ({ name: agent, hours }): Promise<LaneView> => {
      const { times = [] } = (await ask('next', { agent, n: AHEAD }).catch(() => undefined)) ?? {};
      const isDense = times.length === AHEAD && Date.parse(times.at(-1)!) < denseUntil;
      const states = isDense ? TROUBLE : undefined;
      const slots = await ask('slots', { agent, from: isoOf(from), to: isoOf(to), ...given({ states }) });
      const known = new Set(slots.map(({ due }) => due));
      const ahead = times.filter((due) => !known.has(due) && Date.parse(due) < to);
      const planned = ahead.map((due): SlotView => ({ agent, due, state: 'planned', reason: null, job: null }));
      return { agent, slots: isDense ? slots : [...slots, ...planned], isDense, hours };
    }),
  );
}

const MOST_LANES = 60;
const TROUBLE: ('missed' | 'skipped' | 'caught-up')[] = ['missed', 'skipped', 'caught-up'];

type Mark = 'ran' | 'caught-up' | 'missed' | 'skipped' | 'planned';

/** Each state has a shape of its own: colours are never the only sign. */
const SHAPES: Record<Mark, string> = {
  ran: 'M-3-5h6v10h-6z',
  'caught-up': 'M0-6l5 6-5 6-5-6z',
  missed: 'M-5-5L5 5M5-5L-5 5',
  skipped: 'M-5 0h10',
  planned: 'M-3-4h6v8h-6z',
};
const LEGEND: readonly { is: Mark; text: string }[] = [
  { is: 'ran', text: 'ran' },
  { is: 'caught-up', text: 'ran late' },
  { is: 'missed', text: 'missed' },
  { is: 'skipped', text: 'skipped' },
  { is: 'planned', text: 'planned' },
];

function markOf(state: string): Mark {
  return Object.hasOwn(SHAPES, state) ? (state as Mark) : 'planned';
}

function Lanes({ lanes, call }: { lanes: readonly LaneView[]; call: PageCall }) {
  if (lanes.length === 0) return <p class="empty">No agent has a schedule.</p>;
  return (
    <div class="lanes">
      <Axis clock={call.clock} />
      {lanes.map((lane) => (
        <div class="lane">
          <a href={addressOf('agents', lane.agent)}>{lane.agent}</a>
          <Lane lane={lane} clock={call.clock} />
        </div>
      ))}
    </div>
  );
}

function Lane({ lane: { agent, slots, isDense, hours }, clock }: { lane: LaneView; clock: Clock }) {
  return (
    <svg height={HEIGHT}>
      <title>
        {isDense ? `Slots of ${agent}: too many; marked are those that did not run in time` : `Slots of ${agent}`}
      </title>
      {isDense && <Bands hours={hours} now={clock.now} />}
      <line class="now" x1="50%" x2="50%" y2={HEIGHT} />
      {slots.slice(-MOST_MARKS).map(({ due, state, reason }) => {
        const words = `${shortTime(Date.parse(due), clock)} ${state}${reason ? `: ${reason}` : ''}`;
        return (
          <a href={`/schedule?${new URLSearchParams({ agent, at: due })}`} aria-label={`${agent} ${words}`}>
            <svg x={placeOf(Date.parse(due), clock.now)} y={HEIGHT / 2} overflow="visible">
              <title>{words}</title>
              <path class={markOf(state)} d={SHAPES[markOf(state)]} />
            </svg>
          </a>
        );
      })}
    </svg>
  );
}

/** Where a time stands in a lane, from its left edge. */
function placeOf(at: number, now: number): string {
  return `${(((at - now + AROUND_MS) / (2 * AROUND_MS)) * 100).toFixed(2)}%`;
}

/** A lane that is full: planned from now on, and run in each of the last hours in which a job was done. */
function Bands({ hours, now }: { hours: LaneView['hours']; now: number }) {
  const hour = now - (now % HOUR_MS);
  const ran = hours.flatMap(({ done }, at) => {
    const begin = hour - (hours.length - 1 - at) * HOUR_MS;
    return done > 0 && begin + HOUR_MS > now - AROUND_MS ? [begin] : [];
  });
  return (
    <>
      {ran.map((begin) => (
        <line
          class="dense"
          x1={placeOf(Math.max(begin, now - AROUND_MS), now)}
          x2={placeOf(Math.min(begin + HOUR_MS, now), now)}
          y1="10"
          y2="10"
        />
      ))}
      <line class="dense ahead" x1="50%" x2="100%" y1="10" y2="10" />
    </>
  );
}

const AXIS_HOURS = 3;

/** The hours above the lanes. */
function Axis({ clock }: { clock: Clock }) {
  const step = AXIS_HOURS * HOUR_MS;
  const first = Math.ceil((clock.now - AROUND_MS) / step) * step;
  const times = Array.from({ length: (2 * AROUND_MS) / step }, (_, at) => first + at * step);
  return (
    <div class="lane axis" aria-hidden="true">
      <span />
      <svg height={HEIGHT}>
        <title>Hours</title>
        {times.map((at) => (
          <text x={placeOf(at, clock.now)} y="15">
            {shortTime(at, clock).split(' ').at(-1)}
          </text>
        ))}
      </svg>
    </div>
  );
}

interface CollisionsProps {
  lanes: readonly LaneView[];
  status: StatusView;
  trends: TrendsView | undefined;
  clock: Clock;
}

/** Times at which agents start together, with the memory that they took at most. Dense lanes meet every other, and are left out. */
function Collisions({ lanes, status, trends, clock }: CollisionsProps) {
  const planned = lanes
    .filter(({ isDense }) => !isDense)
    .map(({ agent, slots }) => ({
      agent,
      times: slots.filter(({ state }) => state === 'planned').map(({ due }) => Date.parse(due)),
    }));
  const found = collisionsOf(planned);
  if (found.length === 0) return null;
  const peakOf = (name: string) => trends?.agents.find(({ agent }) => agent === name)?.memoryPeakBytes ?? 0;
  const limitOf = (name: string) => status.agents.find((one) => one.name === name)?.memory.limitBytes ?? 0;
  const sum = (agents: readonly string[], of: (name: string) => number) =>
    agents.reduce((bytes, name) => bytes + of(name), 0);
  return (
    <Section title="Collisions in the next 12 hours" id="collisions">
      <ul class="lines">
        {found.slice(0, MOST_COLLISIONS).map(({ agents, times }) => (
          <li>
            <b>{agents.length} agents</b> at {shortTime(times[0]!, clock)}
            {times.length > 1 && ` and ${times.length - 1} more times`}:{' '}
            {agents.slice(0, MOST_NAMED).map((name) => (
              <>
                <a href={addressOf('agents', name)}>{name}</a>{' '}
              </>
            ))}
            {agents.length > MOST_NAMED && `and ${agents.length - MOST_NAMED} more `}
            <span class="dim">
              peak memory {formatSize(sum(agents, peakOf))} of {formatSize(sum(agents, limitOf))} allowed
            </span>
          </li>
        ))}
      </ul>
      {found.length > MOST_COLLISIONS && <p class="dim">and {found.length - MOST_COLLISIONS} others</p>}
    </Section>
  );
}

function WhyBox({ why, clock }: { why: Ops['why']['value']; clock: Clock }) {
  return (
    <Section title={`Why ${why.agent}${why.slot ? `, ${fullTime(Date.parse(why.slot), clock)}` : ''}`} id="why">
      <p class="lead">
        <Said text={why.sentence} most={600} />
      </p>
      <ol class="lines">
        {why.steps.map(({ at, what, why: reason }) => (
          <li>
            <time datetime={at}>{shortTime(Date.parse(at), clock)}</time> <b>{what}</b>{' '}
            {reason && <Said text={reason} most={300} />}
          </li>
        ))}
      </ol>
    </Section>
  );
}
