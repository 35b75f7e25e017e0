import type { VersionView } from '../../control/protocol.ts';
import { shortTime } from '../../kernel/clock.ts';
import { usage } from '../../kernel/fault.ts';
import { shortId } from '../../kernel/short-id.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { signOf } from '../../kernel/state-sign.ts';
import { formatSize } from '../../kernel/units.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { type Column, type Row, table } from '../text/table.ts';

const COLUMNS: Column[] = [
  '',
  'VERSION',
  { title: 'MADE', drop: 2 },
  { title: 'SIZE', right: true, drop: 1 },
  'ROLLOUT',
  { title: 'AGENTS', atLeast: 16 },
];

/** The states of docs/words.md. `not in use`: no agent runs it, goes back to it, or has failed on it. */
const ROLLOUT_WORDS: Record<VersionView['rollout'], string> = {
  probation: 'on probation',
  good: 'good',
  bad: 'bad',
  unused: 'not in use',
};

/** The kept versions of a plugin, newest first; those in the folder when the host is down. */
export async function versionsCommand(stage: Stage, [plugin]: Words): Promise<CommandResult> {
  const { value: answer, down } = await stage.askAnyway('versions', { plugin: plugin! });
  const { clock } = stage;
  const rows = answer.versions.map((version): Row => {
    const { sign, style } = signOf(version.rollout);
    return {
      cells: [
        [sign, style],
        shortId(version.id),
        shortTime(Date.parse(version.madeAt), clock),
        formatSize(version.bytes),
        ROLLOUT_WORDS[version.rollout],
        agentWords(version),
      ],
      below: version.agents.flatMap(({ agent, why }) => (why ? [`     └ ${agent}: ${oneLine(why)}`] : [])),
    };
  });
  return { json: answer, lines: table(COLUMNS, rows, stage), code: down ? 4 : 0 };
}

function agentWords({ agents }: VersionView): string {
  return agents.map(({ agent, is, runs }) => (runs ? `${agent} runs it` : `${agent}: ${is}`)).join(', ');
}

/** Settings that a schema has to be asked about take a process of their own. */
const WITHIN_MS = 30_000;

/** Holds an agent to another version until its files change, or lets it follow its files again. */
export async function rollbackCommand(
  stage: Stage,
  [agent, version]: Words,
  { force, latest }: { force?: boolean; latest?: boolean },
): Promise<CommandResult> {
  if (latest && (version !== undefined || force)) {
    throw usage('--latest takes no version', `daruma rollback ${agent} --latest`);
  }
  if (force && version === undefined) throw usage('--force wants a version', `daruma versions ${agent}`);
  const answer = await stage.ask('rollback', { agent: agent!, version, force, latest }, WITHIN_MS);
  const mark = stage.paint('green', '✓');
  const id = shortId(answer.version);
  const lines = [`${mark} ${agent} runs version ${id}${ENDS[answer.rollout] ?? ''}`];
  if (answer.rollout === 'pinned' || answer.rollout === 'rolled-back') {
    lines.push(`  ${stage.paint('cyan', '→')} daruma rollback ${agent} --latest`);
  }
  return { json: answer, lines };
}

const ENDS: Record<string, string> = {
  pinned: ' until its files change',
  'rolled-back': ' until its files change',
  probation: ', on probation',
};
