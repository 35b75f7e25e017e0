import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { putUpFence } from '../../fence/put-up.ts';
import { openTrials } from '../../fence/terms.ts';
import { Fault } from '../../kernel/fault.ts';

/**
 * Puts the kernel's fences around this process, and so around the compiler and the load processes that it starts later:
 * no network, no signal to others, nothing written but below `writes`, no program started but Node and the compiler. Every file
 * may be read, because links to files, `links.folders` and bases of a tsconfig.json may lead anywhere. Layers that the
 * kernel lacks are left out; returns the fault for all requests when one that it offers does not hold.
 */
export function shutBuilderIn(writes: readonly string[]): Fault | undefined {
  try {
    const execute = [process.execPath, ...programLoaders(), ...compilerPrograms()];
    // The plugins of a root's host may be files of other users.
    const { tried } = putUpFence({ read: ['/'], write: writes, execute, ports: null, othersFiles: true });
    const open = openTrials(tried);
    return open.length > 0 ? unfenced(`do not hold (not refused: ${open.join(', ')})`) : undefined;
  } catch (error) {
    return unfenced(`are not up: ${(error as Error).message}`);
  }
}

/** The loader of dynamic libraries, which the kernel starts with Node: the one that this process was started by. */
function programLoaders(): string[] {
  try {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    return [...new Set(maps.match(/\/\S*\/ld-[^/\s]+$/gm))];
  } catch {
    return [];
  }
}

/** The places in which esbuild looks for its program; not all of them exist. */
function compilerPrograms(): string[] {
  const main = fileURLToPath(import.meta.resolve('esbuild'));
  const name = `@esbuild/${process.platform}-${process.arch}`;
  const found = [join(dirname(main), `downloaded-${name.replace('/', '-')}-esbuild`)];
  try {
    found.push(createRequire(main).resolve(`${name}/bin/esbuild`));
  } catch {
    // The package of this machine is not installed.
  }
  return found;
}

function unfenced(how: string): Fault {
  return new Fault({
    code: 'FENCE_FAILED',
    message: `is not compiled: the fences of the builder ${how}`,
    next: 'daruma doctor',
  });
}
