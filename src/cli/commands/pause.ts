import { fullTime } from '../../kernel/clock.ts';
import { usage } from '../../kernel/fault.ts';
import { LOG_LEVELS } from '../../kernel/log.ts';
import { wordOf } from '../given.ts';
import { argumentsOf } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** Starts no more jobs of an agent, or of all, until a time or until it is resumed. */
export async function pauseCommand(
  stage: Stage,
  [agent]: Words,
  options: { for?: string; all?: boolean },
): Promise<CommandResult> {
  const { forMs } = argumentsOf('pause', options, { clock: stage.clock, command: 'pause' });
  const name = agentMeant(agent, options.all, 'pause');
  const answers =
    name === undefined ? await stage.ask('pauseAll', { forMs }) : [await stage.ask('pause', { agent: name, forMs })];
  const lines = answers.map(({ agent: paused, until }) => {
    const end = until ? `until ${fullTime(Date.parse(until), stage.clock)}` : 'until it is resumed';
    return `${stage.paint('yellow', '‖')} ${paused} is paused ${end}        daruma resume ${paused}`;
  });
  return { json: options.all ? answers : answers[0], lines };
}

/** The agent that is named; undefined with `--all`. Throws USAGE for neither or both. */
function agentMeant(agent: string | undefined, all: boolean | undefined, command: string): string | undefined {
  if ((agent === undefined) === !all)
    throw usage(`${command} wants the name of an agent, or --all`, `daruma ${command} --all`);
  return agent;
}

/** Starts the jobs of an agent, or of all, again; lifts a quarantine as well. */
export async function resumeCommand(stage: Stage, [agent]: Words, options: { all?: boolean }): Promise<CommandResult> {
  const name = agentMeant(agent, options.all, 'resume');
  const answers = name === undefined ? await stage.ask('resumeAll', {}) : [await stage.ask('resume', { agent: name })];
  const lines = answers.map(({ agent: resumed }) => `${stage.paint('green', '✓')} ${resumed} runs again`);
  return { json: options.all ? answers : answers[0], lines };
}

/** Gives an agent new workers; with `--now` the job that runs is stopped and run again. */
export async function restartCommand(stage: Stage, [agent]: Words, options: { now?: boolean }): Promise<CommandResult> {
  const { now } = argumentsOf('restart', options, { clock: stage.clock, command: 'restart' });
  const answer = await stage.ask('restart', { agent: agent!, now });
  const { workers, jobs } = answer;
  const end =
    jobs.length === 0 ? '' : answer.now ? `; stopped and run again: ${jobs.join(' ')}` : ` after ${jobs.join(' ')}`;
  const line = `${stage.paint('green', '✓')} ${answer.agent} gets new workers instead of ${workers.join(' ')}${end}`;
  return { json: answer, lines: [line] };
}

/** Sets what an agent may log, at once and without a restart. */
export async function levelCommand(
  stage: Stage,
  [agent, level]: Words,
  options: { for?: string },
): Promise<CommandResult> {
  const word = wordOf(level!, LOG_LEVELS, 'level', `daruma level ${agent}`);
  const { forMs } = argumentsOf('level', options, { clock: stage.clock, command: 'level' });
  const answer = await stage.ask('level', { agent: agent!, level: word, forMs });
  const end = answer.until ? ` until ${fullTime(Date.parse(answer.until), stage.clock)}` : '';
  const line = `${stage.paint('green', '✓')} ${answer.agent} logs from ${answer.level}${end}        daruma logs ${answer.agent} -f`;
  return { json: answer, lines: [line] };
}
