import { oneLine } from '../../kernel/shown-text.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { changedWords, configLine } from '../text/status.ts';
import { type Row, table } from '../text/table.ts';

/** Each value of an agent, or of the host, and where it was said. */
export async function configShowCommand(stage: Stage, [agent]: Words): Promise<CommandResult> {
  const { value: answer, down } = await stage.askAnyway('configShow', { agent });
  const columns = ['SETTING', { title: 'VALUE', atLeast: 16 }, { title: 'SAID IN', atLeast: 12 }];
  const rows = answer.values.map(
    ({ path, value, origin }): Row => [
      path,
      oneLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? '–')),
      [origin, origin === 'default' ? 'dim' : 'cyan'],
    ],
  );
  const lines = table(columns, rows, stage);
  const { config } = answer;
  const probation = configLine(config, stage.clock, stage.paint);
  if (probation) lines.push('', probation);
  if (config?.is === 'taken-back') {
    lines.push('', `${stage.paint('red', '✗')} config/daruma.yaml is not in force: ${changedWords(config.changed)}`);
    lines.push(
      `  ${oneLine(config.why ?? '')}`,
      `  ${stage.paint('cyan', '→')} mend it, or force it: daruma config force`,
    );
  }
  return { json: answer, lines, code: down ? 4 : 0 };
}

/** Ends the probation of config/daruma.yaml by hand: the settings that last worked are in force again. */
export async function configRollbackCommand(stage: Stage): Promise<CommandResult> {
  const answer = await stage.ask('configRollback', {});
  const lines = [
    `${stage.paint('green', '✓')} the settings that last worked are in force again; not any more: ${changedWords(answer.changed)}`,
    `  ${stage.paint('cyan', '→')} mend config/daruma.yaml, or force it: daruma config force`,
  ];
  return { json: answer, lines };
}

/** Takes config/daruma.yaml in its present state: it counts as good, whatever happened on probation. */
export async function configForceCommand(stage: Stage): Promise<CommandResult> {
  const answer = await stage.ask('configForce', {});
  const what = answer.changed.length === 0 ? 'nothing changes by it' : changedWords(answer.changed);
  const lines = [`${stage.paint('green', '✓')} what config/daruma.yaml says counts as good: ${what}`];
  return { json: answer, lines };
}
