import type { HealthView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { healthLines } from '../text/health.ts';

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
