import { relative } from 'node:path';
import type { PlainFault } from '../../kernel/fault.ts';
import { type NeedName, notInNeeds } from '../../kernel/needs-fault.ts';
import { GRANTABLE, guardedWords } from '../../kernel/plugin-modules.ts';

/** The agent whose rights are meant, and the folder of its installation. */
export interface DeniedOwner {
  agent: string;
  folder: string;
}

const FILES: Record<string, NeedName> = { FileSystemRead: 'read', FileSystemWrite: 'write' };

/** The fields of Node's errors about a permission that was not granted. */
type Denied = NodeJS.ErrnoException & Partial<Record<'permission' | 'resource' | 'hostname', string>>;

/** In our words what Node's permission model refused; undefined for any other error. */
export function deniedOf(error: Error, { agent, folder }: DeniedOwner): PlainFault | undefined {
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
  if (permission === 'ChildProcess') return moduleDenied('child_process', agent);
  if (permission === 'Net' || syscall !== undefined || message.includes('--allow-net')) {
    const host = hostname ?? address;
    if (host) return notInNeeds({ agent, need: 'net', asked: `${host}${port ? `:${port}` : ''}` });
    const all = "name the hosts that are meant in needs: net: ['api.shop.example']";
    return {
      code: 'NOT_IN_NEEDS',
      message: `agent ${agent} may not use the network: it is not in its needs`,
      next: all,
    };
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

/** `process.chdir`, `umask`, `abort` and their like: they would be those of the whole cell. */
function ofProcess(agent: string, message: string): PlainFault {
  const what = /^\S+/.exec(message)?.[0] ?? 'this';
  const next = what.includes('chdir') ? 'build paths from context.folder' : 'do without it: no need grants it';
  return {
    code: 'NOT_ALLOWED',
    message: `${what} is not allowed in agent ${agent}: it would be the whole cell's`,
    next,
  };
}

/** A module of Node's that a plugin does not get. */
export function moduleDenied(name: string, agent: string): PlainFault {
  const { why, next } = guardedWords(name);
  const asked = `node:${name}`;
  const message = `${asked} is not allowed in agent ${agent}: ${why}`;
  if (name === GRANTABLE) return notInNeeds({ agent, need: 'modules', asked, message });
  return { code: 'NOT_IN_NEEDS', message, next, data: { asked } };
}

function pathIn(folder: string, path: string): string {
  const inside = relative(folder, path);
  return inside.startsWith('..') ? path : inside || '.';
}
