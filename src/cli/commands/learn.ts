import type { LearnedView } from '../../control/protocol.ts';
import { given } from '../../kernel/given.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import type { Paint } from '../text/paint.ts';
import { readInput } from './run.ts';

type Shown = LearnedView['needs'];

const ORDER = ['secrets', 'env', 'net', 'read', 'write', 'exec', 'kill', 'modules', 'fleet', 'llm'] as const;

const REAL_EFFECTS = 'requests, commands and files of this run happen; state, sends and events do not';

/** Runs an agent to see what it uses, and shows the needs to paste. Not a terminal: wants `--yes`. Exit code 1 when the run failed. */
export async function learnCommand(
  stage: Stage,
  [agent]: Words,
  { yes, ...options }: { input?: string; yes?: boolean },
): Promise<CommandResult> {
  const input = readInput(options, `learn ${agent}`);
  if (!yes && !process.stdin.isTTY) {
    const lines = [
      `would run ${agent}: ${REAL_EFFECTS}`,
      `  not done; ${stage.paint('cyan', '→')} daruma learn ${agent} --yes`,
    ];
    return { json: { done: false, agent }, lines, code: 1 };
  }
  if (!stage.json)
    stage.note(stage.paintNote('dim', `runs ${agent}, and again for as long as files are refused: ${REAL_EFFECTS}`));
  const answer = await stage.ask('learn', { agent: agent!, ...given({ input }) });
  return { json: answer, lines: learnedLines(answer, stage), code: answer.state === 'done' ? 0 : 1 };
}

/** The needs of a plugin as a diff, to be pasted; what was refused, and what was not used. */
function learnedLines(answer: LearnedView, { paint }: { paint: Paint }): string[] {
  const { agent, declared, needs, added, unused, attempts, error } = answer;
  const sign = error ? paint('red', '✗') : paint('green', '✓');
  const times = attempts === 1 ? 'one attempt' : `${attempts} attempts`;
  const lines = [`${sign} ${agent} ${error ? `failed: ${oneLine(error.message)}` : 'is done'} (${times})`, ''];
  if (added.length === 0) lines.push('needs of the plugin cover all that it used');
  else lines.push(...diffOf(declared, needs, paint));
  const refused = added.filter((use) => use.refused);
  if (refused.length > 0) {
    lines.push(
      '',
      `${paint('yellow', '!')} refused in this run too; paste them and learn again, more may stand behind:`,
    );
    lines.push(...refused.map(({ need, what }) => `  ${need}  ${what}`));
  }
  if (unused.length > 0) {
    lines.push('', 'declared, and not used in this run (kept):');
    lines.push(...unused.map(({ need, what }) => `  ${need}  ${what}`));
  }
  if (needs.env || needs.modules) {
    const unseen = [needs.env ? 'env' : '', needs.modules ? 'files that node:sqlite opens' : ''].filter(Boolean);
    lines.push('', paint('dim', `not seen by any run: ${unseen.join(' and ')}`));
  }
  return lines;
}

function diffOf(declared: Shown, needs: Shown, paint: Paint): string[] {
  const isNew = Object.keys(declared).length === 0;
  const lines = ORDER.flatMap((key) => {
    const [old, now] = [textOf(key, declared), textOf(key, needs)];
    if (old === now) return now === undefined ? [] : [`      ${now}`];
    return [
      ...(old === undefined ? [] : [paint('red', `-     ${old}`)]),
      ...(now === undefined ? [] : [paint('green', `+     ${now}`)]),
    ];
  });
  const frame = (text: string) => (isNew ? paint('green', `+   ${text}`) : `    ${text}`);
  return [frame('needs: {'), ...lines, frame('},')];
}

function textOf(key: (typeof ORDER)[number], needs: Shown): string | undefined {
  if (key === 'fleet') return needs.fleet ? 'fleet: true,' : undefined;
  if (key === 'llm') return needs.llm ? `llm: ${llmText(needs.llm)},` : undefined;
  const list = needs[key];
  return list && `${key}: [${list.map((entry) => (key === 'exec' ? commandOf(entry) : quoted(entry))).join(', ')}],`;
}

function llmText(llm: NonNullable<Shown['llm']>): string {
  if (llm === true) return 'true';
  return `{ ${Object.entries(llm)
    .map(([name, most]) => `${name}: ${most}`)
    .join(', ')} }`;
}

/** `{ command: 'git', args: ['log'] }` of an entry that pins its arguments. */
function commandOf(entry: string): string {
  if (!entry.startsWith('{')) return quoted(entry);
  const { command, args } = JSON.parse(entry) as { command: string; args: string[] };
  return `{ command: ${quoted(command)}, args: [${args.map(quoted).join(', ')}] }`;
}

function quoted(text: string): string {
  return /['\\\n]/.test(text) ? JSON.stringify(text) : `'${text}'`;
}
