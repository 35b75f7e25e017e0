import type { CommandResult, Stage } from '../ports.ts';
import { agentsMeant } from './pause.ts';

/** Starts the jobs of an agent, or of all, again; lifts a quarantine as well. */
export async function run(
  stage: Stage,
  [agent]: (string | undefined)[],
  options: { all?: boolean },
): Promise<CommandResult> {
  const answers = [];
  for (const name of await agentsMeant(stage, agent, options.all, 'resume')) {
    answers.push(await stage.ask('resume', { agent: name }));
  }
  const lines = answers.map(({ agent: name }) => `${stage.paint('green', '✓')} ${name} runs again`);
  return { json: options.all ? answers : answers[0], lines };
}
