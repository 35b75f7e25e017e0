import { Fault } from '../../kernel/fault.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { apply, create, getPrototypeOf, isArray, plainCopy, toNumber, toText } from '../../kernel/primordials.ts';

import type { HostAllowList } from '../host-allow-list.ts';

type Method = (...args: unknown[]) => unknown;
type Lookup = typeof import('node:dns').lookup;
type Raw = Record<string, Method>;

/** Decides on one host and port; throws the fault of a host that is not allowed. */
export type CheckHost = (host: string, port: number | undefined) => void;

/** The addresses that a worker may reach: those that it names, and those that Node's own lookup found for an allowed name. */
export interface Addresses {
  mayReach(address: string, port: number): boolean;
  /** Node's lookup for one connection to an allowed name: what it finds is noted. A lookup that a plugin gives is never asked. */
  lookupFor(port: number): Lookup;
  /** Whether an entry names the host with this port. */
  mayListen(host: string, port: number): boolean;
}

/** More than this were found: the oldest are of connections that are open or forgotten. */
const MOST_NOTED = 10_000;
/** The answer of a raw handle that refuses: EACCES. */
const REFUSED = -13;

/** `listens`: the allow-list of the entries that name a port. */
export function createAddresses(check: CheckHost, listens: HostAllowList): Addresses {
  let noted = create(null) as Record<string, true | undefined>;
  let count = 0;
  const plain = process.getBuiltinModule('node:dns').lookup as unknown as Method;

  function note(address: unknown, port: number) {
    if (count++ > MOST_NOTED) {
      noted = create(null) as typeof noted;
      count = 0;
    }
    noted[`${toText(address)} ${port}`] = true;
  }

  return {
    mayListen: listens,
    mayReach: (address, port) => noted[`${address} ${port}`] === true || isAllowed(check, address, port),
    lookupFor: (port) =>
      ((host: string, options: unknown, call: Method) =>
        apply(plain, undefined, [
          host,
          options,
          (error: unknown, found: unknown, family: unknown) => {
            if (!error && isArray(found)) {
              for (let at = 0; at < found.length; at++) note((found[at] as { address: string }).address, port);
            } else if (!error) note(found, port);
            call(error, found, family);
          },
        ])) as unknown as Lookup,
  };
}

export function isAllowed(check: CheckHost, host: string, port: number): boolean {
  try {
    check(host, port);
    return true;
  } catch {
    return false;
  }
}

/**
 * Guards every TCP connection twice: where it is asked for, with options that are read once and handed on as a copy, and at
 * the raw handle, where an address and a port are all that is left. Pipes are refused.
 */
export function guardSockets(check: CheckHost, addresses: Addresses, agent: string): void {
  const listening = guardServers(addresses.mayListen, agent);
  const net = process.getBuiltinModule('node:net');
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (this: import('node:net').Socket, ...args: unknown[]) {
    let options: Record<string, unknown>;
    try {
      options = targetOf(args);
      if (options.path) throw socketFile(toText(options.path), agent);
      options.host ??= 'localhost';
      check(options.host as string, options.port as number);
    } catch (error) {
      // The refusal is emitted like any failed connection: an error thrown here could not be caught in callbacks of
      // Node's own code.
      return this.destroy(error as Error);
    }
    options.lookup = addresses.lookupFor(options.port as number);
    return apply(connect, this, [options, callbackOf(args)]) as import('node:net').Socket;
  } as typeof connect;
  guardRawTcp(rawOf({ host: '127.0.0.1', port: 9 }), { addresses, listening, agent });
  guardRawPipe(rawOf({ path: '/nowhere' }), agent);

  /** The prototype of a raw handle, taken from a socket that is given up before it connects. */
  function rawOf(target: object): Raw | undefined {
    const socket = new net.Socket();
    socket.on('error', () => {});
    try {
      apply(connect, socket, [target]);
    } catch {
      // Node refuses it: then there are no such handles.
    }
    const { _handle: handle } = socket as unknown as { _handle: object | null };
    const raw = handle && (getPrototypeOf(handle) as Raw);
    socket.destroy();
    return raw ?? undefined;
  }
}

interface RawTerms {
  addresses: Addresses;
  /** By port. */
  listening: Record<number, true | undefined>;
  agent: string;
}

function guardRawTcp(raw: Raw | undefined, { addresses, listening, agent }: RawTerms): void {
  if (!raw) return;
  const ports = new WeakMap<object, number>();
  const [get, set] = [ports.get, ports.set] as Method[];
  for (const name of ['connect', 'connect6']) {
    const plain = raw[name]!;
    raw[name] = function (this: unknown, request, ip, port) {
      const address = toText(ip);
      const number = toNumber(port);
      return addresses.mayReach(address, number) ? apply(plain, this, [request, address, number]) : REFUSED;
    };
  }
  for (const name of ['bind', 'bind6']) {
    const plain = raw[name]!;
    raw[name] = function (this: unknown, ip, port, flags) {
      const number = toNumber(port);
      apply(set!, ports, [this, number]);
      return apply(plain, this, [toText(ip), number, flags]);
    };
  }
  const { listen } = raw;
  raw.listen = function (this: unknown, backlog) {
    const port = apply(get!, ports, [this]) as number | undefined;
    return port !== undefined && listening[port] ? apply(listen!, this, [backlog]) : REFUSED;
  };
  raw.open = () => {
    throw new Fault({ code: 'NOT_ALLOWED', message: `agent ${agent} may not make a socket of a descriptor` });
  };
}

function guardRawPipe(raw: Raw | undefined, agent: string): void {
  if (!raw) return;
  for (const name of ['open', 'bind', 'listen', 'connect']) {
    raw[name] = () => {
      throw socketFile('a socket file', agent);
    };
  }
}

/**
 * Guards `listen`: an agent listens on a host and port that `needs.net` names with its port, and nowhere else. Returns the
 * ports that it was allowed.
 */
function guardServers(mayListen: Addresses['mayListen'], agent: string): Record<number, true | undefined> {
  const listening = create(null) as Record<number, true | undefined>;
  const { Server } = process.getBuiltinModule('node:net');
  const { listen } = Server.prototype;
  Server.prototype.listen = function (this: unknown, ...args: unknown[]) {
    const options = targetOf(args);
    if (options.path) throw socketFile(toText(options.path), agent);
    if (options.fd !== undefined || options.handle !== undefined || options._handle !== undefined)
      throw new Fault({ code: 'NOT_ALLOWED', message: `agent ${agent} may not listen on a handle` });
    options.port ??= 0;
    const host = options.host as string | undefined;
    const port = options.port as number;
    // A server that names no host listens on all addresses.
    const isOpen = host === undefined ? mayListen('0.0.0.0', port) || mayListen('::', port) : mayListen(host, port);
    if (!isOpen) throw mayNotListen(`${host ?? 'localhost'}:${port}`, agent);
    listening[port] = true;
    return apply(listen, this, [options, callbackOf(args)]);
  } as typeof listen;
  return listening;
}

function mayNotListen(asked: string, agent: string): Fault {
  const message = `agent ${agent} may not listen on ${asked}: it is not in needs.net`;
  return new Fault(notInNeeds({ agent, need: 'net', asked, message }));
}

function socketFile(path: string, agent: string): Fault {
  return new Fault({
    code: 'NOT_ALLOWED',
    message: `${path}: agent ${agent} may not connect to a socket file`,
    next: 'connect to a host and port that needs.net names',
  });
}

/**
 * The arguments of `connect` and `listen` as a plain object of options that no plugin holds: each property was read
 * once.
 */
function targetOf(args: readonly unknown[]): Record<string, unknown> {
  // net.connect hands its arguments over as one array that it has normalised.
  const first = isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
  let options: Record<string, unknown>;
  if (typeof first === 'object' && first !== null) options = plainCopy(first);
  else {
    options = create(null) as Record<string, unknown>;
    const port = toNumber(first);
    if (typeof first === 'string' && !(port >= 0)) options.path = first;
    else if (first !== undefined && typeof first !== 'function') options.port = port;
    if (typeof args[1] === 'string') options.host = args[1];
    else if (typeof args[1] === 'number') options.backlog = args[1];
    if (typeof args[2] === 'number') options.backlog = args[2];
  }
  options.host = options.host ? toText(options.host) : undefined;
  if (options.port !== undefined && options.port !== null) options.port = toNumber(options.port);
  return options;
}

function callbackOf(args: readonly unknown[]): unknown {
  const last = isArray(args[0]) ? (args[0] as unknown[])[1] : args[args.length - 1];
  return typeof last === 'function' ? last : undefined;
}
