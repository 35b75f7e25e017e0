import type { Ops, StatusView } from '../../control/protocol.ts';
import { isoOf } from '../../kernel/instant.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { PageCall } from '../page.ts';
import { counted, Section, State, Table, When } from './parts.tsx';

type HealthView = Ops['health']['value'];

interface SupervisionProps {
  status: StatusView;
  health: HealthView | undefined;
  call: PageCall;
}

/** The loops of the host by which schedules, healing and work go on; the others are below. */
const CHAIN_LOOPS = ['schedule', 'healing', 'store', 'workers'];

/** The processes that watch each other, from the outermost (systemd or the guardian) inwards, with their last signs of life. */
export function Supervision({ status: { host }, health, call }: SupervisionProps) {
  const isUp = host !== null && !call.down;
  const still = new Set(health?.reasons.filter(({ code }) => code === 'LOOP_STILL').map(({ who }) => who));
  const loops = (health?.loops ?? []).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const links = [
    host?.watchedBy
      ? { is: 'ok', text: host.watchedBy === 'systemd' ? 'systemd' : `guardian ${host.guardian ?? ''}` }
      : { is: 'late', text: 'nobody starts the host again' },
    isUp
      ? { is: 'ok', text: `host ${host.pid}` }
      : { is: 'failed', text: call.down ? `host silent for ${lastSignWords(call)}` : 'host is down' },
    ...loops
      .filter(({ name }) => CHAIN_LOOPS.includes(name))
      .map(({ name, agoMs }) => ({
        is: !isUp ? 'off' : still.has(name) ? 'failed' : 'ok',
        text: `${name} ${formatDuration(agoMs)} ago`,
      })),
    { is: isUp ? 'ok' : 'off', text: counted(host?.cells ?? 0, 'cell') },
    { is: isUp ? 'ok' : 'off', text: counted(host?.workers ?? 0, 'worker') },
  ];
  return (
    <Section title="Supervision" id="chain">
      <ol class="chain">
        {links.map(({ is, text }) => (
          <li>
            <State state={is} word={text} />
          </li>
        ))}
      </ol>
      {health && <SignsOfLife health={health} loops={loops} still={still} call={call} />}
    </Section>
  );
}

function lastSignWords({ clock, down }: PageCall): string {
  return formatDuration(Math.max(0, clock.now - Date.parse(down!.lastSign)));
}

interface SignsProps {
  health: HealthView;
  loops: HealthView['loops'];
  still: ReadonlySet<string>;
  call: PageCall;
}

function SignsOfLife({ health, loops, still, call }: SignsProps) {
  const { clock } = call;
  const pings = health.pings.map(({ name, at, late }) => ({ name, at, is: late ? 'late' : 'ok', what: 'program' }));
  const turns = loops.map(({ name, agoMs }) => ({
    name,
    at: isoOf(clock.now - agoMs),
    is: still.has(name) ? 'failed' : 'ok',
    what: 'loop',
  }));
  return (
    <details id="signs">
      <summary>Last signs of life of {turns.length} loops</summary>
      <Table label="Signs of life" heads={['Name', 'Is', 'Last sign', '']}>
        {[...turns, ...pings].map(({ name, at, is, what }) => (
          <tr>
            <th scope="row">{name}</th>
            <td>{what}</td>
            <td>
              <When at={at} clock={clock} isRelative />
            </td>
            <td>
              <State state={is} />
            </td>
          </tr>
        ))}
      </Table>
    </details>
  );
}
