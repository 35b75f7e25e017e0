import { Fault } from '../../kernel/fault.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { hostAllowListOf } from '../host-allow-list.ts';

/** What is thrown for a host that is not allowed; the ports of HTTP need not be named. */
function hostDenied(host: string, port: number | undefined, agent: string): Fault {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const asked = port === undefined || port === 80 || port === 443 ? name : `${name}:${port}`;
  return new Fault(notInNeeds({ agent, need: 'net', asked }));
}

interface NetRestriction {
  checkUrl(input: string | URL | Request): void;
  /** Puts the guard into node:dgram. */
  guardDgram(dgram: object): void;
  /** By module of a plugin that may reach nobody: Node itself denies it, and this says to whom. */
  guards: Record<string, () => void>;
}

/**
 * Guards `fetch` and, where the agent has any host at all, every TCP connection of the worker. Without one Node itself
 * denies them; the guards are put in when the plugin asks for such a module, and cost no other plugin's cold start.
 */
export function restrictNet(net: readonly string[], agent: string): NetRestriction {
  const mayReach = hostAllowListOf(net);

  function check(host: string, port: number | undefined) {
    if (!mayReach(host, port)) throw hostDenied(host, port, agent);
  }

  function checkUrl(input: string | URL | Request) {
    const text = typeof input === 'object' && 'url' in input ? input.url : String(input);
    const url = URL.parse(text);
    const port = url && portIn(url);
    if (url && port) check(url.hostname, port);
  }

  /** 0 for what goes to no host. */
  function portIn({ port, protocol }: URL): number {
    const plain = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 }[protocol];
    return plain === undefined ? 0 : Number(port) || plain;
  }

  for (const name of ['WebSocket', 'EventSource']) guardGlobal(name, checkUrl);
  const plainFetch = globalThis.fetch;
  globalThis.fetch = async function fetch(input, init) {
    checkUrl(input as string | URL | Request);
    return plainFetch(input, init);
  };
  if (net.length > 0) guardSockets(check, agent);
  let isGuarded = net.length > 0;
  const guard = () => {
    if (isGuarded) return;
    isGuarded = true;
    guardSockets(check, agent);
    guardServers(agent);
  };

  return {
    checkUrl,
    guards: Object.fromEntries(['net', 'tls', 'http', 'https', 'http2'].map((name) => [name, guard])),
    guardDgram(dgram) {
      const { prototype } = (dgram as typeof import('node:dgram')).Socket;
      const { send, connect } = prototype;
      prototype.connect = function (this: unknown, port: number, ...rest: unknown[]) {
        check(typeof rest[0] === 'string' ? rest[0] : 'localhost', Number(port));
        return Reflect.apply(connect, this, [port, ...rest]);
      } as typeof connect;
      prototype.send = function (this: unknown, ...args: unknown[]) {
        // send(message, [offset, length,] port, address, …): a connected socket names no port.
        const at = typeof args[3] === 'number' ? 3 : 1;
        if (typeof args[at] === 'number') {
          check(typeof args[at + 1] === 'string' ? (args[at + 1] as string) : 'localhost', args[at] as number);
        }
        return Reflect.apply(send, this, args);
      } as typeof send;
    },
  };
}

/** Guards a class that takes a URL, once somebody asks for it: Node loads such classes late, and so does this. */
function guardGlobal(name: string, check: (url: string | URL) => void): void {
  const own = Object.getOwnPropertyDescriptor(globalThis, name);
  if (!own) return;
  const define = (value: unknown) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  Object.defineProperty(globalThis, name, {
    configurable: true,
    set: define,
    get() {
      const plain = (own.get ? own.get.call(globalThis) : own.value) as new (...args: unknown[]) => object;
      const guarded: typeof plain = new Proxy(plain, {
        construct(target, args, made) {
          check(args[0] as string | URL);
          return Reflect.construct(target, args, made === guarded ? target : made) as object;
        },
      });
      define(guarded);
      return guarded;
    },
  });
}

type Check = (host: string, port: number | undefined) => void;

function guardSockets(check: Check, agent: string): void {
  const { Socket } = process.getBuiltinModule('node:net');
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function (this: unknown, ...args: unknown[]) {
    try {
      const target = targetOf(args);
      if (target.path !== undefined) throw socketFile(target.path, agent);
      check(target.host ?? 'localhost', target.port);
    } catch (error) {
      // As any other connection that fails: thrown here, it would be nobody's to catch in callbacks of Node's own code.
      return (this as import('node:net').Socket).destroy(error as Error);
    }
    return Reflect.apply(connect, this, args);
  } as typeof connect;
}

/** Where an agent has no host at all it may not listen either. */
function guardServers(agent: string): void {
  const { Server } = process.getBuiltinModule('node:net');
  Server.prototype.listen = ((...args: unknown[]) => {
    const { host = 'localhost', port, path } = targetOf(args);
    if (path !== undefined) throw socketFile(path, agent);
    const asked = `${host}:${port || 0}`;
    const message = `agent ${agent} may not listen on ${asked}: it is not in needs.net`;
    throw new Fault(notInNeeds({ agent, need: 'net', asked, message }));
  }) as typeof Server.prototype.listen;
}

function socketFile(path: string, agent: string): Fault {
  return new Fault({
    code: 'NOT_ALLOWED',
    message: `${path}: agent ${agent} may not connect to a socket file`,
    next: 'connect to a host and port that needs.net names',
  });
}

function targetOf(args: unknown[]): { path?: string; host?: string; port?: number } {
  // net.connect hands its arguments over as one array that it has normalised.
  const first = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
  if (typeof first === 'object' && first !== null) {
    const { path, host, port } = first as { path?: unknown; host?: unknown; port?: unknown };
    return {
      ...(path ? { path: String(path) } : {}),
      ...(host ? { host: String(host) } : {}),
      ...(port === undefined ? {} : { port: Number(port) }),
    };
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { path: first };
  return { port: Number(first), ...(typeof args[1] === 'string' ? { host: args[1] } : {}) };
}
