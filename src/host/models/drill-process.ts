import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { toPlainFault } from '../../kernel/fault.ts';
import { entryFile } from '../../kernel/paths.ts';

/**
 * Begins `daruma drill diagnosis`. `ended` is called once, later, with why the drill failed; null: every answer has its score. The
 * function that comes back ends the drill.
 */
export type OpenDiagnosisDrill = (ended: (why: string | null) => void) => () => void;

/** Exit codes of a drill whose answers were scored: all right, or some wrong. */
const SCORED = [0, 1];

/** Diagnosis drills of the installation in `folder`, each a client in a process of its own. */
export function diagnosisDrillOf(folder: string): OpenDiagnosisDrill {
  const main = fileURLToPath(entryFile('main.js'));
  return (ended) => {
    const child = spawn(process.execPath, [main, 'drill', 'diagnosis', '--json', '--dir', folder], { stdio: 'ignore' });
    child.once('error', (error) => ended(toPlainFault(error).message));
    child.once('exit', (code) => ended(SCORED.includes(code ?? -1) ? null : `it ended with ${code ?? 'a signal'}`));
    return () => void child.kill('SIGTERM');
  };
}
