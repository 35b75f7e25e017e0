import { resolve } from 'node:path';
import type { ProofView } from '../../control/protocol.ts';
import { formatSize } from '../../kernel/units.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { fullTime } from '../text/clock.ts';

/** Unpacks an archive into a temporary folder, opens its store, and has SQLite look at all of it. */
export async function run(stage: Stage, [file]: (string | undefined)[]): Promise<CommandResult> {
  const proof = await (await stage.launcher.backups(stage.folder)).verify(resolve(file!));
  const lines = [
    `${stage.paint('green', '✓')} ${file} can be restored: ${proofWords(proof, stage)}`,
    ...lackLines(proof),
  ];
  return { json: proof, lines };
}

export function proofWords({ jobs, entries, bytes, madeAt }: ProofView, { clock }: Stage): string {
  const made = madeAt === null ? '' : `, made ${fullTime(Date.parse(madeAt), clock)}`;
  return `${jobs} jobs, ${entries} entries, ${formatSize(bytes)}${made}; its store is whole`;
}

export function lackLines({ lacks }: ProofView): string[] {
  return lacks.length === 0 ? [] : ['  not in it:', ...lacks.map((one) => `    ${one}`)];
}
