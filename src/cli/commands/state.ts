import type { Ops, StateEntryView } from '../../control/protocol.ts';
import { fullTime, relative, shortTime } from '../../kernel/clock.ts';
import { usage } from '../../kernel/fault.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatSize } from '../../kernel/units.ts';
import { expectAgent, readJson } from '../given.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { type Row, table } from '../text/table.ts';

interface StateOptions {
  set?: string;
  delete?: boolean;
  all?: boolean;
  moveTo?: string;
  yes?: boolean;
}

/** Shows which agents hold state, what an agent holds, or a value in full; and changes state by hand, with `--yes` where it is forgotten. */
export async function stateCommand(stage: Stage, [agent, key]: Words, options: StateOptions): Promise<CommandResult> {
  if (agent === undefined) {
    if (options.set !== undefined || options.delete || options.moveTo !== undefined) {
      throw usage('name the agent whose state is meant', 'daruma state');
    }
    return sizes(stage);
  }
  if ([options.set !== undefined, options.delete, options.moveTo !== undefined].filter(Boolean).length > 1) {
    throw usage('--set, --delete and --move-to are done one at a time', `daruma state ${agent}`);
  }
  if (options.moveTo !== undefined) return move(stage, agent, options.moveTo, options.yes === true);
  if (options.set !== undefined) return set(stage, agent, key, options.set);
  if (options.delete) return forget(stage, agent, key, options);
  return show(stage, agent, key);
}

async function sizes(stage: Stage): Promise<CommandResult> {
  const { value, down } = await stage.askAnyway('stateSizes', {});
  const columns = [
    { title: 'AGENT', atLeast: 12 },
    { title: 'KEYS', right: true },
    { title: 'SIZE', right: true },
  ];
  const rows = value.map(({ agent, keys, bytes }): Row => [agent, String(keys), formatSize(bytes)]);
  const lines = rows.length > 0 ? table(columns, rows, stage) : ['no agent holds state'];
  return { json: value, lines, code: down ? 4 : 0 };
}

async function show(stage: Stage, agent: string, key: string | undefined): Promise<CommandResult> {
  const { value, down } = await stage.askAnyway('state', { agent, key });
  if (value.length === 0) await expectAgent(stage, agent);
  const code = down ? 4 : 0;
  if (key === undefined) return { json: value, lines: entryTable(agent, value, stage), code };
  const [entry] = value as [StateEntryView];
  const at = Date.parse(entry.setAt);
  const head = `${agent} ${entry.key}  ${formatSize(entry.bytes)}, set ${fullTime(at, stage.clock)}, ${relative(at, stage.clock)}`;
  return {
    json: entry,
    lines: [stage.paint('dim', head), ...JSON.stringify(entry.value, null, 2).split('\n')],
    code,
  };
}

function entryTable(agent: string, entries: StateEntryView[], stage: Stage): string[] {
  if (entries.length === 0) return [`${agent} holds no state`];
  const columns = [
    { title: 'KEY', atLeast: 12 },
    { title: 'VALUE', atLeast: 20 },
    { title: 'SIZE', right: true, drop: 1 },
    { title: 'SET', drop: 2 },
  ];
  const rows = entries.map(
    ({ key, value, bytes, setAt }): Row => [
      oneLine(key),
      oneLine(JSON.stringify(value)),
      formatSize(bytes),
      shortTime(Date.parse(setAt), stage.clock),
    ],
  );
  return table(columns, rows, stage);
}

async function set(stage: Stage, agent: string, key: string | undefined, text: string): Promise<CommandResult> {
  if (key === undefined) throw usage('--set wants a key', `daruma state ${agent} my-key --set '{"n":1}'`);
  const answer = await stage.ask('stateSet', { agent, key, value: jsonOf(text, agent, key) });
  return { json: answer, lines: [`${stage.paint('green', '✓')} ${key} of ${agent} is set${wasWords(answer, stage)}`] };
}

async function forget(
  stage: Stage,
  agent: string,
  key: string | undefined,
  options: StateOptions,
): Promise<CommandResult> {
  if ((key === undefined) !== (options.all === true)) {
    throw usage('--delete wants one key, or --all', `daruma state ${agent} --delete --all --yes`);
  }
  const { value: entries } = await stage.askAnyway('state', { agent, key });
  const command = `daruma state ${agent} ${key ?? ''} --delete${options.all ? ' --all' : ''} --yes`.replace(
    / {2,}/g,
    ' ',
  );
  if (!options.yes) return notDone(stage, `would forget ${keysWords(entries.length)} of ${agent}`, command, entries);
  for (const entry of entries) await stage.ask('stateSet', { agent, key: entry.key });
  const lines = [`${stage.paint('green', '✓')} ${keysWords(entries.length)} of ${agent} forgotten`];
  return { json: { deleted: entries.map((entry) => entry.key) }, lines, code: entries.length === 0 ? 1 : 0 };
}

async function move(stage: Stage, from: string, to: string, isSure: boolean): Promise<CommandResult> {
  const { value: entries } = await stage.askAnyway('state', { agent: from });
  if (entries.length > 0 && !isSure) {
    const command = `daruma state ${from} --move-to ${to} --yes`;
    return notDone(stage, `would give ${keysWords(entries.length)} of ${from} to ${to}`, command, entries);
  }
  const answer = await stage.ask('stateMove', { from, to });
  const kept =
    answer.kept.length > 0
      ? [
          `  ${to} has its own ${answer.kept.join(', ')}: ${answer.kept.length === 1 ? 'that stays' : 'those stay'} with ${from}`,
        ]
      : [];
  return {
    json: answer,
    lines: [`${stage.paint('green', '✓')} ${to} has ${keysWords(answer.moved.length)} of ${from} now`, ...kept],
  };
}

function notDone(stage: Stage, what: string, command: string, entries: StateEntryView[]): CommandResult {
  return {
    json: { done: false, keys: entries.map(({ key }) => key) },
    lines: [what, `  not done; ${stage.paint('cyan', '→')} ${command}`],
    code: 1,
  };
}

function jsonOf(text: string, agent: string, key: string): unknown {
  try {
    return readJson(text);
  } catch (thrown) {
    throw usage(`--set is not JSON: ${(thrown as Error).message}`, `daruma state ${agent} ${key} --set '"a text"'`);
  }
}

function wasWords({ before }: Ops['stateSet']['value'], { width }: Stage): string {
  if (!before) return '';
  const text = oneLine(JSON.stringify(before.value));
  return `; it was ${text.length > width / 2 ? `${text.slice(0, width / 2)}…` : text}`;
}

function keysWords(count: number): string {
  return `${count} ${count === 1 ? 'key' : 'keys'}`;
}
