import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Agent } from '../../jobs/agent.ts';
import { Fault } from '../../kernel/fault.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';

/**
 * The real path of a file that the host is to write for an agent: its folder has to be there, and has to lie, with every link on the way
 * followed, in what the agent may write. Throws a `Fault` that names the file: `NOT_IN_NEEDS`, `CALL_INVALID`.
 */
export function placeForAgent(to: string, { name, needs }: Pick<Agent, 'name' | 'needs'>, folder: string): string {
  const path = resolve(folder, to);
  const place = realPlace(path);
  if (place === undefined) {
    throw new Fault({
      code: 'CALL_INVALID',
      message: `${path} is no place for a file: its folder is not there`,
      next: 'make the folder first',
      file: path,
    });
  }
  const granted = needs.write.flatMap((grant) => realPath(resolve(folder, grant)) ?? []);
  if (granted.some((one) => place.startsWith(one.endsWith(sep) ? one : one + sep))) return place;
  const leads = place === path ? '' : `, which is ${place}`;
  const message = `agent ${name} may not have ${path} written${leads}: it is in no folder of its needs.write`;
  throw new Fault({ ...notInNeeds({ agent: name, need: 'write', asked: to, message }), file: path });
}

/** The place of a file that may not be there yet. */
function realPlace(path: string): string | undefined {
  const parent = realPath(dirname(path));
  return parent === undefined || basename(path) === '' ? undefined : join(parent, basename(path));
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
