import { BOUNDS } from '../../kernel/bounds.ts';
import { durationOf } from '../given.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { fullTime } from '../text/clock.ts';
import { usage } from '../usage.ts';

/** Starts no more jobs of an agent, or of all, until a time or until it is resumed. */
export async function run(
  stage: Stage,
  [agent]: (string | undefined)[],
  options: { for?: string; all?: boolean },
): Promise<CommandResult> {
  const forMs = options.for === undefined ? undefined : durationOf(options.for, BOUNDS.pause, '--for');
  const names = await agentsMeant(stage, agent, options.all, 'pause');
  const answers = [];
  for (const name of names) {
    answers.push(await stage.ask('pause', { agent: name, forMs }));
  }
  const lines = answers.map(({ agent: name, until }) => {
    const end = until ? `until ${fullTime(Date.parse(until), stage.clock)}` : 'until it is resumed';
    return `${stage.paint('yellow', '‖')} ${name} is paused ${end}        daruma resume ${name}`;
  });
  return { json: options.all ? answers : answers[0], lines };
}

/** The one that is named, or every agent with `--all`; USAGE for neither or both. */
export async function agentsMeant(
  stage: Stage,
  agent: string | undefined,
  all: boolean | undefined,
  command: string,
): Promise<string[]> {
  if ((agent === undefined) === !all)
    throw usage(`${command} wants the name of an agent, or --all`, `daruma ${command} --all`);
  if (agent !== undefined) return [agent];
  const status = await stage.ask('status', {});
  return status.agents.map(({ name }) => name);
}
