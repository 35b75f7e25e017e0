import { fileURLToPath } from 'node:url';
import { authoritiesOfNode } from '../../fence/authorities.ts';
import { FILES_OF_NAMES } from '../../fence/files-of-names.ts';
import { entryFile, packageFile } from '../../kernel/paths.ts';
import { openPipedChild, type PipedChild, type PipedChildNeeds } from '../child/process.ts';
import { readFromGateway } from './read-messages.ts';
import { FROM_GATEWAY, type FromGateway, GATEWAY_CHANNEL_FD, type ToGateway } from './wire.ts';

const PROCESS = fileURLToPath(entryFile('gateway/models/inside/process.js'));
const HEAP_MB = 64;
/** The flags of node that bound the memory of the gateway. */
export const MEMORY_FLAGS = [`--max-old-space-size=${HEAP_MB}`, '--max-semi-space-size=1'];

/**
 * Starts a model gateway. The child gets nothing of the host's environment but the certificate authorities that it names, no file
 * handle but the pipe, and by its flags no file but its own code and those by which names of servers are looked up; keys of providers
 * come by the pipe alone. `folder` stands in the process list beside it.
 */
export function openGatewayProcess(
  folder: string,
  needs: PipedChildNeeds<FromGateway>,
  file = PROCESS,
): PipedChild<ToGateway> {
  const program = {
    args: [...flags(), file, folder],
    cwd: folder,
    // All threads allocate from one pool, and names of servers are looked up by two threads.
    env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '2', ...authoritiesOfNode(process.env) },
    niceness: 0,
    fd: GATEWAY_CHANNEL_FD,
    bounds: FROM_GATEWAY,
    read: readFromGateway,
  };
  return openPipedChild(program, needs);
}

/** Node denies everything that these flags do not name; the process then shuts itself in by the kernel, too. */
function flags(): string[] {
  const own = ['dist', 'package.json'].map((path) => fileURLToPath(packageFile(path)));
  return [
    '--no-warnings',
    '--disable-sigusr1',
    ...MEMORY_FLAGS,
    '--permission',
    ...[...own, ...FILES_OF_NAMES, '/proc/self/oom_score_adj'].map((path) => `--allow-fs-read=${path}`),
    '--allow-fs-write=/proc/self/oom_score_adj',
    '--allow-net',
    // The kernel's fences need this flag; they take the right away again.
    '--allow-ffi',
  ];
}
