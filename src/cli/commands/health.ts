import type { HealthView } from '../../control/protocol.ts';
import { type Clock, momentOf, nextTime } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import type { Look } from '../text/status.ts';
import { type Row, table } from '../text/table.ts';
import { joined } from '../text/width.ts';

const SIGNS = { ok: ['✓', 'green'], degraded: ['!', 'yellow'], down: ['✗', 'red'] } as const;
const NONE = '–';

const DOWN = { state: 'down', live: false, ready: false, loops: [], agents: [], pings: [] } as const;

/** Whether the host lives, works and is well. Exit code 3: it is not; 4: no host answers. */
export async function healthCommand(
  stage: Stage,
  _words: Words,
  { forget }: { forget?: string },
): Promise<CommandResult> {
  if (forget !== undefined) return forgetPing(stage, forget);
  try {
    const { value: health, down } = await stage.askAnyway('health', {});
    return { json: health, lines: healthLines(health, stage), code: down ? 4 : health.state === 'ok' ? 0 : 3 };
  } catch (thrown) {
    if (!(thrown instanceof Fault) || !NO_ANSWER.has(thrown.plain.code)) throw thrown;
    const { message } = thrown.plain;
    const code = thrown.plain.code === 'HOST_SILENT' ? 'HOST_SILENT' : 'HOST_DOWN';
    const health: HealthView = {
      ...DOWN,
      loops: [],
      agents: [],
      pings: [],
      reasons: [{ code, who: 'host', text: message }],
    };
    return { json: health, lines: healthLines(health, stage), code: 4 };
  }
}

/** Faults of a host that is frozen, has just ended, or left nothing to read. */
const NO_ANSWER = new Set(['HOST_SILENT', 'HOST_GONE', 'HOST_DOWN']);

async function forgetPing(stage: Stage, name: string): Promise<CommandResult> {
  const answer = await stage.ask('pingForget', { name });
  const said = answer.forgotten ? `${name} is forgotten: nothing waits for its pings` : `${name} has never pinged`;
  return { json: answer, lines: [said] };
}

/** The state with its reasons, the age of each loop, and the last sign of life of agents and of programs outside. */
function healthLines(health: HealthView, look: Look): string[] {
  const { reasons, loops, agents, pings } = health;
  const [sign, style] = SIGNS[health.state];
  const lines = [look.paint(style, `${sign} ${health.state}`)];
  if (reasons.length > 0) {
    const rows = reasons.map(({ code, who, text }): Row => ['', [code, style], who, oneLine(text)]);
    lines.push(...table(['', 'REASON', { title: 'WHO', atLeast: 10 }, { title: '', atLeast: 20 }], rows, look));
  }
  if (loops.length > 0) {
    const ages = loops.map(({ name, agoMs }) => `${name} ${formatDuration(agoMs)}`);
    lines.push('', 'loops last turned, ago:', ...joined(ages, ' · ', look.width - 2).map((line) => `  ${line}`));
  }
  if (agents.length > 0) {
    const rows = agents.map(({ name, lastRun, lastBeat, nextSlot }): Row => {
      const next = nextSlot === null ? NONE : nextTime(Date.parse(nextSlot), look.clock);
      return ['', name, moment(lastRun, look.clock), moment(lastBeat, look.clock), next];
    });
    lines.push('', ...table(['', { title: 'AGENT', atLeast: 12 }, 'LAST RUN', 'LAST BEAT', 'NEXT'], rows, look));
  }
  if (pings.length > 0) {
    const rows = pings.map(({ name, at, withinMs, late }): Row => {
      const mark = late ? (['!', 'yellow'] as const) : (['✓', 'green'] as const);
      return [[...mark], name, moment(at, look.clock), formatDuration(withinMs)];
    });
    lines.push('', ...table(['', { title: 'OUTSIDE', atLeast: 12 }, 'LAST PING', 'WITHIN'], rows, look));
  }
  return lines;
}

function moment(time: string | null, clock: Clock): string {
  return time === null ? NONE : momentOf(Date.parse(time), clock);
}
