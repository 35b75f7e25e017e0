import { resolve, sep } from 'node:path';
import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { FOLDERS } from './allowed.ts';
import type { ExecOrder } from './ports.ts';
import type { BrokerOrder } from './wire.ts';

/** Of the host's environment; none of it is a secret. */
const PASSED_ON = ['HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
const DEFAULT_OUTPUT_BYTES = MB;

/** What the broker is told to run; throws a Fault for a folder that the agent was not granted. */
export function orderFor(
  order: ExecOrder,
  path: string,
  terms: { folder: string; scratch: string; env: NodeJS.ProcessEnv },
): BrokerOrder {
  return {
    path,
    args: order.args,
    env: { ...plainEnv(terms.env), ...order.env },
    cwd: order.cwd === undefined ? terms.scratch : folderIn(order, order.cwd, terms.folder),
    isScratch: order.cwd === undefined,
    input: order.input ?? null,
    timeoutMs: order.timeoutMs ?? null,
    maxOutputBytes: order.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES,
  };
}

function plainEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const plain: Record<string, string> = { PATH: FOLDERS.join(':') };
  for (const name of PASSED_ON) {
    const value = env[name];
    if (value !== undefined) plain[name] = value;
  }
  return plain;
}

function folderIn({ agent, needs }: ExecOrder, asked: string, folder: string): string {
  const cwd = resolve(folder, asked);
  const granted = [...needs.read, ...needs.write].map((path) => resolve(folder, path));
  if (granted.some((one) => one === sep || cwd === one || cwd.startsWith(one + sep))) return cwd;
  const message = `agent ${agent} may not run a command in ${cwd}: it is not among what it may read or write`;
  throw new Fault(notInNeeds({ agent, need: 'read', asked, message }));
}
