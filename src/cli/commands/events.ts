import type { EventView, Ops } from '../../control/protocol.ts';
import { clockTime, dayOf, localTimes } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { connectAgain, isHostAway } from '../connection.ts';
import { expectAgent } from '../given.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** The time between two looks while events are followed, ms. */
const LOOK_EVERY_MS = 500;
/** Events that are read at once while they are followed. */
const MOST_AT_ONCE = 1_000;

/**
 * Events of the installation, oldest first; with `--follow` each new event as well, over restarts of the host. With `--cause` the line of
 * causes of an event or an incident.
 */
export async function eventsCommand(stage: Stage, [agent]: Words, options: Given): Promise<CommandResult | number> {
  const args = { ...argumentsOf('events', options, { clock: stage.clock, command: 'events' }), ...given({ agent }) };
  if (args.cause !== undefined) return causes(stage, args, options);
  const { value, down } = await stage.askAnyway('events', args);
  if (value.length === 0 && agent !== undefined && !options.follow) await expectAgent(stage, agent);
  const events = value.toReversed();
  const day = createDays(stage);
  const lines = events.flatMap((event) => eventLines(event, stage, day));
  if (!options.follow)
    return { json: events, lines: events.length === 0 ? ['no such events'] : lines, code: down ? 4 : 0 };
  const print = (event: EventView) => {
    const shown = stage.json ? [JSON.stringify(event)] : eventLines(event, stage, day);
    for (const line of shown) stage.out(line);
  };
  if (stage.json) for (const event of events) print(event);
  else for (const line of lines) stage.out(line);
  return follow(stage, args, value[0], print);
}

/** The line of causes, from the first cause that is kept to now; what came of the event that was asked for stands below it. */
async function causes(
  stage: Stage,
  args: Ops['events']['args'],
  { follow, topic, since }: Given,
): Promise<CommandResult> {
  if (follow || topic !== undefined || since !== undefined || args.agent !== undefined) throw new Fault(ONLY_CAUSE);
  const { value, down } = await stage.askAnyway('events', args);
  const events = value.toReversed();
  const [first] = events;
  const day = createDays(stage);
  const isCut = first !== undefined && first.cause !== null;
  const cut = isCut
    ? [stage.paint('dim', `event ${first.cause}, of which it came, is not shown: cleared up, or beyond --limit`)]
    : [];
  const lines = events.flatMap((event) => [
    ...eventLines(event, stage, day),
    stage.paint('dim', `    ${causeWords(event, events)}`),
  ]);
  return { json: events, lines: [...cut, ...lines], code: down ? 4 : 0 };
}

/** `812 by cli:ann, came of 811`. */
function causeWords({ id, who, cause }: EventView, shown: readonly EventView[]): string {
  const by = who === null ? '' : ` by ${oneLine(who)}`;
  const isNext = cause !== null && shown.some((one) => one.id === cause);
  return `event ${id}${by}${isNext ? `, came of ${cause}` : ''}`;
}

const ONLY_CAUSE = {
  code: 'USAGE',
  message: '--cause shows one line of causes: it takes no agent, --topic, --since or --follow',
  next: 'daruma help events',
};

/** Goes on until the reader leaves. Ids only grow, so each event is shown once, and none is left out by a restart. */
async function follow(
  stage: Stage,
  { agent, kind }: { agent?: string; kind?: string },
  last: EventView | undefined,
  print: (event: EventView) => void,
): Promise<never> {
  let newest = last?.id ?? 0;
  let since = last?.at ?? new Date(stage.time.now()).toISOString();
  let client = await connectAgain(stage, Number.POSITIVE_INFINITY);
  for (;;) {
    try {
      const found = await client.ask('events', { ...given({ agent, kind }), since, limit: MOST_AT_ONCE });
      for (const event of found.toReversed()) {
        if (event.id <= newest) continue;
        print(event);
        ({ id: newest, at: since } = event);
      }
      await stage.time.sleep(LOOK_EVERY_MS);
    } catch (thrown) {
      if (!isHostAway(thrown)) throw thrown;
      stage.note(stage.paintNote('dim', '──────── no host; waiting for it (Ctrl-C to leave) ────────'));
      client = await connectAgain(stage, Number.POSITIVE_INFINITY);
      stage.note(stage.paintNote('dim', '──────── the host is back ────────'));
    }
  }
}

/** A line for each new day. */
function createDays({ clock, paint }: Stage): (at: number) => string[] {
  let shown = dayOf(clock.now, clock);
  return (at) => {
    const day = dayOf(at, clock);
    if (day === shown) return [];
    shown = day;
    return [paint('dim', `──────── ${day} ────────`)];
  };
}

/** `12:04:31.020 agent.paused hello  paused by hand`. */
function eventLines({ at, kind, agent, message }: EventView, stage: Stage, day: (at: number) => string[]): string[] {
  const { clock, paint } = stage;
  const ms = Date.parse(at);
  const who = paint('cyan', oneLine(agent ?? 'host'));
  return [
    ...day(ms),
    `${paint('dim', clockTime(ms, clock, true))} ${kind} ${who}  ${oneLine(localTimes(message, clock))}`,
  ];
}
