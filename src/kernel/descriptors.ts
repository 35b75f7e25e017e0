import { Buffer } from 'node:buffer';
import type { Writable } from 'node:stream';
import { Fault } from './fault.ts';
import type { HandleClass, OwnDescriptors } from './file-handles.ts';
import { apply, construct, create, defineProperty, getPrototypeOf } from './primordials.ts';
import type { ModuleGuards } from './restrictions.ts';

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

/** Functions of node:fs whose first argument is a descriptor, and those that also take a path; each with its twin `…Sync`. */
const OF_DESCRIPTORS = [
  ...['close', 'fchmod', 'fchown', 'fdatasync', 'fstat', 'fsync', 'ftruncate', 'futimes'],
  ...['read', 'readv', 'write', 'writev', 'readFile', 'writeFile', 'appendFile'],
];
const PRINTS = ['write', 'writev', 'writeSync', 'writevSync'];

/**
 * Guards by which a realm reaches only descriptors that it opened itself: threads share those of their process, whatever
 * Node's permissions say. Writes to 1 and 2 go where prints go. For restrictModules; `who` is as there.
 */
export function descriptorGuards(who: string, handles: HandleClass): ModuleGuards {
  const own = create(null) as OwnDescriptors;
  const { stdout, stderr } = process;
  let isPut = false;

  function check(fd: unknown) {
    if (typeof fd !== 'number' || own[fd]) return;
    throw foreignDescriptor(fd, who);
  }

  /** A guard of functions by number: an async one tells its callback. */
  function checking(name: string, plain: Method): Method {
    return function (this: unknown, ...args: unknown[]) {
      const fd = args[0];
      const callback = args[args.length - 1];
      try {
        if (isPrint(name, fd)) return printed(fd === 1 ? stdout : stderr, args);
        if (!((fd === 1 || fd === 2) && (name === 'fstat' || name === 'fstatSync'))) check(fd);
        // The handle would go on with the number, which may be somebody else's by then.
        if (isClose(name) && own[fd as number] === 'handle') throw foreignDescriptor(fd, who);
      } catch (error) {
        if (typeof callback !== 'function') throw error;
        process.nextTick(callback as Method, error);
        return undefined;
      }
      if (typeof fd === 'number' && isClose(name)) own[fd] = undefined;
      return apply(plain, this, args);
    };
  }

  function guardFs(module: object) {
    if (isPut) return;
    isPut = true;
    const fs = module as Methods & { promises: Methods };
    for (const base of OF_DESCRIPTORS) {
      for (const name of [base, `${base}Sync`]) {
        const plain = fs[name];
        if (plain) fs[name] = Object.assign(checking(name, plain), plain);
      }
    }
    const open = fs.open!;
    const openSync = fs.openSync!;
    fs.openSync = function (this: unknown, ...args) {
      const fd = apply(openSync, this, args) as number;
      own[fd] = true;
      return fd;
    };
    fs.open = function (this: unknown, ...args) {
      const callback = args[args.length - 1];
      if (typeof callback !== 'function') return apply(open, this, args);
      args[args.length - 1] = function (this: unknown, error: unknown, fd: number) {
        if (!error) own[fd] = true;
        apply(callback as Method, this, [error, fd]);
      };
      return apply(open, this, args);
    };
    handles.guard(fs.promises, own, who);
  }

  return {
    fs: guardFs,
    'fs/promises': () => guardFs(process.getBuiltinModule('node:fs')),
    tty: (module) => guardTerminals(module as Methods, check),
    net: (module) => guardAdoption(module as typeof import('node:net'), who),
  };
}

/** A terminal's stream takes any descriptor that is a pipe. */
function guardTerminals(tty: Methods, check: (fd: unknown) => void): void {
  for (const name of ['ReadStream', 'WriteStream']) {
    const guarded = new Proxy(tty[name] as never, {
      apply(target, self, args: unknown[]) {
        check(args[0]);
        return apply(target, self, args);
      },
      construct(target, args: unknown[], made) {
        check(args[0]);
        return construct(target, args, made);
      },
    }) as Method;
    (guarded.prototype as { constructor: unknown }).constructor = guarded;
    tty[name] = guarded;
  }
}

/**
 * No socket is made of a descriptor: `open` of the raw handles of TCP and of pipes is closed when a socket gets its first
 * handle of either kind, before that handle is used.
 */
function guardAdoption(net: typeof import('node:net'), who: string): void {
  const closed: unknown[] = [];
  const symbols = Object.getOwnPropertySymbols(new net.Socket());
  const ofHandle = symbols.find((one) => one.description === 'kHandle');
  const refuse = () => {
    throw new Fault({ code: 'NOT_ALLOWED', message: `net._createServerHandle is not allowed in ${who}` });
  };
  (net as unknown as Methods)._createServerHandle = refuse;
  if (!ofHandle) return;
  Object.defineProperty(net.Socket.prototype, ofHandle, {
    get: () => null,
    set(this: object, handle: object | null) {
      if (handle === null) return;
      const raw = getPrototypeOf(handle) as Methods;
      if (typeof raw.open === 'function' && !isIn(closed, raw)) {
        closed[closed.length] = raw;
        raw.open = (fd) => {
          throw foreignDescriptor(fd, who);
        };
      }
      defineProperty(this, ofHandle, { value: handle, writable: true, configurable: true, enumerable: true });
    },
  });
}

function isIn(list: readonly unknown[], one: unknown): boolean {
  for (let at = 0; at < list.length; at++) if (list[at] === one) return true;
  return false;
}

const isClose = (name: string) => name === 'close' || name === 'closeSync';

function isPrint(name: string, fd: unknown): boolean {
  if (fd !== 1 && fd !== 2) return false;
  for (let at = 0; at < PRINTS.length; at++) if (PRINTS[at] === name) return true;
  return false;
}

/** Prints what was to be written to 1 or 2; returns, or tells the callback, how many bytes that are. */
function printed(stream: Writable, args: unknown[]): number | undefined {
  const [, data, offset, length] = args as [number, unknown, unknown, unknown];
  const callback = args[args.length - 1];
  let bytes: Uint8Array;
  if (typeof data === 'string') bytes = Buffer.from(data);
  else if (Array.isArray(data)) bytes = Buffer.concat(data as Uint8Array[]);
  else {
    const { buffer, byteOffset, byteLength } = data as Uint8Array<ArrayBuffer>;
    const from = typeof offset === 'number' ? offset : 0;
    const size = typeof length === 'number' ? length : byteLength - from;
    bytes = Buffer.from(buffer, byteOffset + from, size);
  }
  stream.write(Buffer.from(bytes));
  if (typeof callback !== 'function') return bytes.byteLength;
  process.nextTick(callback as Method, null, bytes.byteLength, data);
  return undefined;
}

function foreignDescriptor(fd: unknown, who: string): Fault {
  return new Fault({
    code: 'NOT_ALLOWED',
    message: `descriptor ${String(fd)} was not opened by ${who}`,
    next: 'open the file by its path, and name it in needs.read or needs.write',
  });
}
