import { relative } from 'node:path';
import type { PlainFault } from '../../kernel/fault.ts';
import { type NeedName, notInNeeds } from '../../kernel/needs-fault.ts';

/** Whose rights are meant, and where its installation is. */
export interface Owner {
  agent: string;
  folder: string;
}

const FILES: Record<string, NeedName> = { FileSystemRead: 'read', FileSystemWrite: 'write' };

/** What Node's own errors say of a right that was not given. */
type Denied = NodeJS.ErrnoException & Partial<Record<'permission' | 'resource' | 'hostname', string>>;

/** In our words what Node's permission model refused; undefined for any other error. */
export function deniedOf(error: Error, { agent, folder }: Owner): PlainFault | undefined {
  const {
    code,
    permission = '',
    resource,
    syscall,
    message,
    hostname,
    address,
    port,
  } = error as Denied & {
    address?: string;
    port?: number;
  };
  if (code === 'ERR_WORKER_UNSUPPORTED_OPERATION') return ofProcess(agent, message);
  if (code !== 'ERR_ACCESS_DENIED') return undefined;
  const need = FILES[permission];
  if (need && resource) return notInNeeds({ agent, need, asked: pathIn(folder, resource) });
  if (permission === 'ChildProcess') return childProcess(agent);
  if (permission === 'Net' || syscall !== undefined || message.includes('--allow-net')) {
    const host = hostname ?? address ?? '';
    return notInNeeds({ agent, need: 'net', asked: host ? `${host}${port ? `:${port}` : ''}` : 'the network' });
  }
  // `fsync`, links, other threads, WASI: nothing in `needs` gives them.
  const what = permission || message.replace(/\.? *Use --allow-\S+ to manage permissions\.?/, '');
  return {
    code: 'NOT_IN_NEEDS',
    message: `agent ${agent} may not do this (${what}): no need grants it`,
    next: syscall
      ? 'do without it'
      : 'do without it: what a worker can be given is in docs/plugins.md, under "Ask for rights"',
  };
}

/** Starting processes oneself, in whatever way. */
export function childProcess(agent: string): PlainFault {
  return {
    ...notInNeeds({ agent, need: 'exec', asked: 'ls' }),
    message: `node:child_process is not allowed in agent ${agent}: a worker may not start processes itself`,
    next: "use context.exec and needs: { exec: ['ls'] }, with the commands that you run in place of ls",
    data: { asked: 'node:child_process' },
  };
}

function pathIn(folder: string, path: string): string {
  const inside = relative(folder, path);
  return inside.startsWith('..') ? path : inside || '.';
}
