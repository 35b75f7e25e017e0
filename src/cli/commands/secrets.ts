import type { SecretsView } from '../../control/protocol.ts';
import { suggest } from '../../kernel/suggest.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';
import { type Row, table } from '../text/table.ts';

/** Each secret that an agent declares, where it was found, and who declares it; exit code 3 when one is missing. */
export async function secretsCommand(stage: Stage): Promise<CommandResult> {
  const { value, down } = await stage.askAnyway('secrets', {});
  const { secrets, envFile, problems, notes } = value;
  const missing = secrets.filter(({ where }) => where === null);
  const lines = secrets.length === 0 ? ['no agent declares a secret'] : secretTable(value, stage);
  for (const { name, missing: why } of missing) {
    const near = suggest(name, envFile.unused);
    const next = near
      ? `.env has ${near}, which no agent declares: did you mean ${name}?`
      : `write ${name}=… into .env: it is read again within ten seconds`;
    lines.push('', ...faultLines({ code: 'SECRET_MISSING', message: `${name}: ${why}`, next }, stage.paint));
  }
  for (const problem of problems) lines.push('', ...faultLines(problem, stage.paint));
  for (const note of notes) lines.push('', ...faultLines(note, stage.paint, '·'));
  if (envFile.unused.length > 0) lines.push('', `· in .env, and declared by no agent: ${envFile.unused.join(', ')}`);
  if (down) stage.note('the host is not running; its environment may hold others than that of this terminal');
  return { json: value, lines, code: missing.length > 0 || problems.length > 0 ? 3 : down ? 4 : 0 };
}

function secretTable({ secrets }: SecretsView, stage: Stage): string[] {
  const columns = [
    '',
    { title: 'SECRET', atLeast: 12 },
    { title: 'FOUND IN', atLeast: 10 },
    { title: 'NEEDED BY', atLeast: 12 },
  ];
  const rows = secrets.map(({ name, where, agents }): Row => {
    const sign = where === null ? '✗' : '✓';
    const style = where === null ? 'red' : 'green';
    return [[sign, style], name, where ?? 'nowhere', agents.join(', ')];
  });
  return table(columns, rows, stage);
}
