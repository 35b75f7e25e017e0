import { shortId } from '../../kernel/short-id.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { usage } from '../usage.ts';

/** Settings that a schema has to be asked about take a process of their own. */
const WITHIN_MS = 30_000;

/** Holds an agent to another version until its files change, or lets it follow its files again. */
export async function run(
  stage: Stage,
  [agent, version]: (string | undefined)[],
  { force, latest }: { force?: boolean; latest?: boolean },
): Promise<CommandResult> {
  if (latest && (version !== undefined || force)) {
    throw usage('--latest takes no version', `daruma rollback ${agent} --latest`);
  }
  if (force && version === undefined) throw usage('--force wants a version', `daruma versions ${agent}`);
  const answer = await stage.ask('rollback', { agent: agent!, version, force, latest }, WITHIN_MS);
  const mark = stage.paint('green', '✓');
  const id = shortId(answer.version);
  const lines = [`${mark} ${agent} runs version ${id}${ENDS[answer.standing] ?? ''}`];
  if (answer.standing === 'pinned' || answer.standing === 'rolled-back') {
    lines.push(`  ${stage.paint('cyan', '→')} daruma rollback ${agent} --latest`);
  }
  return { json: answer, lines };
}

const ENDS: Record<string, string> = {
  pinned: ' until its files change',
  'rolled-back': ' until its files change',
  probation: ', on probation',
};
