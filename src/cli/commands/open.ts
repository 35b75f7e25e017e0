import { fullTime } from '../../kernel/clock.ts';
import { argumentsOf } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** Prints a link to the page that signs one browser in. */
export async function openCommand(stage: Stage, _words: Words, options: { reader?: boolean }): Promise<CommandResult> {
  const answer = await stage.ask('open', argumentsOf('open', options, { clock: stage.clock, command: 'open' }));
  const { url, role, until } = answer;
  return {
    json: answer,
    lines: [url, `  for one browser, as ${role}, until ${fullTime(Date.parse(until), stage.clock)}`],
  };
}
