import type { Ops, StatusView } from '../../control/protocol.ts';
import { type Clock, fullTime, shortTime } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import { HOUR_MS } from '../../kernel/measures.ts';
import type { Page, PageCall } from '../page.ts';
import { addressOf, Said, Section } from './parts.tsx';
import { inShell } from './shell.tsx';

type Slots = Ops['slots']['value'];
type SlotView = Slots[number];

const AROUND_MS = 12 * HOUR_MS;
/** So many slots are marks of a lane, and one of more is a lane of its densest. */
const MOST_MARKS = 200;
const WIDTH = 720;
const HEIGHT = 20;

/** The lanes of all schedules, 12 hours before and after now. A mark leads to the reason for what became of its slot. */
export const schedulePage: Page = {
  path: '/schedule',
  async render(call) {
    const { now } = call.clock;
    const [slots, why] = await Promise.all([
      call.ask('slots', { from: isoOf(now - AROUND_MS), to: isoOf(now + AROUND_MS) }),
      whyOf(call),
    ]);
    const ahead = await timesAhead(call);
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
          <Lanes status={status} slots={slots} ahead={ahead} call={call} />
        </Section>
      </>
    ));
  },
};

async function whyOf({ ask, query }: PageCall) {
  const [agent, at] = [query.get('agent'), query.get('at')];
  return agent && at ? await ask('why', { agent, at }).catch(() => undefined) : undefined;
}

/** The planned times of the next hours, which have no slot yet: an agent's next slot alone is one. */
async function timesAhead({ ask, clock }: PageCall): Promise<ReadonlyMap<string, readonly string[]>> {
  const { agents } = await ask('status', {});
  const planned = agents.filter(({ schedule, nextSlot }) => schedule !== null && nextSlot !== null).slice(0, 50);
  const lanes = await Promise.all(
    planned.map(
      async ({ name }) =>
        [name, (await ask('next', { agent: name, n: 50 }).catch(() => undefined))?.times ?? []] as const,
    ),
  );
  return new Map(lanes.map(([name, times]) => [name, times.filter((at) => Date.parse(at) < clock.now + AROUND_MS)]));
}

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

function Lanes({
  status,
  slots,
  ahead,
  call,
}: {
  status: StatusView;
  slots: Slots;
  ahead: ReadonlyMap<string, readonly string[]>;
  call: PageCall;
}) {
  const byAgent = Map.groupBy(slots, ({ agent }) => agent);
  const agents = status.agents.filter(({ name, schedule }) => schedule !== null || byAgent.has(name));
  if (agents.length === 0) return <p class="empty">No agent has a schedule.</p>;
  return (
    <div class="lanes">
      {agents.map(({ name }) => {
        const own = byAgent.get(name) ?? [];
        const known = new Set(own.map(({ due }) => due));
        const planned = (ahead.get(name) ?? [])
          .filter((due) => !known.has(due))
          .map((due): SlotView => ({ agent: name, due, state: 'planned', reason: null, job: null }));
        return (
          <div class="lane">
            <a href={addressOf('agents', name)}>{name}</a>
            <Lane name={name} slots={[...own, ...planned]} call={call} />
          </div>
        );
      })}
    </div>
  );
}

function Lane({ name, slots, call: { clock } }: { name: string; slots: readonly SlotView[]; call: PageCall }) {
  const from = clock.now - AROUND_MS;
  const placeOf = (due: string) => ((Date.parse(due) - from) / (2 * AROUND_MS)) * WIDTH;
  if (slots.length > MOST_MARKS) return <Dense name={name} slots={slots} placeOf={placeOf} />;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
      <title>Slots of {name}</title>
      <path class="now" d={`M${WIDTH / 2} 0v${HEIGHT}`} />
      {slots.map(({ due, state, reason }) => {
        const words = `${shortTime(Date.parse(due), clock)} ${state}${reason ? `: ${reason}` : ''}`;
        return (
          <a href={`/schedule?${new URLSearchParams({ agent: name, at: due })}`} aria-label={`${name} ${words}`}>
            <path
              class={markOf(state)}
              d={SHAPES[markOf(state)]}
              transform={`translate(${placeOf(due).toFixed(1)} ${HEIGHT / 2})`}
            >
              <title>{words}</title>
            </path>
          </a>
        );
      })}
    </svg>
  );
}

/** More slots than marks would fit: a line for each state, with the number in words. */
function Dense({ name, slots, placeOf }: { name: string; slots: readonly SlotView[]; placeOf(due: string): number }) {
  const counts = [...Map.groupBy(slots, ({ state }) => state)].map(([state, of]) => `${of.length} ${state}`).join(', ');
  const isTrouble = ({ state }: SlotView) => state === 'missed' || state === 'skipped';
  const trouble = slots.filter(isTrouble).slice(0, MOST_MARKS);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Slots of ${name}: ${counts}`}>
      <path class="ran dense" d={`M${Math.max(0, placeOf(slots[0]!.due)).toFixed(0)} 10H${WIDTH / 2}`} />
      <path class="planned dense" d={`M${WIDTH / 2} 10H${WIDTH}`} />
      <path class="now" d={`M${WIDTH / 2} 0v${HEIGHT}`} />
      {trouble.map(({ due, state }) => (
        <path class={markOf(state)} d={SHAPES[markOf(state)]} transform={`translate(${placeOf(due).toFixed(1)} 10)`} />
      ))}
    </svg>
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
