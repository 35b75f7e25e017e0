import { Fault } from '../../kernel/fault.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { apply, construct, defineProperty, toNumber, toText } from '../../kernel/primordials.ts';
import { hostAllowListOf } from '../host-allow-list.ts';
import { guardDgram, guardDns } from './datagrams.ts';
import { type Addresses, createAddresses, guardSockets } from './sockets.ts';
import type { UseRecorder } from './uses.ts';

const PORTS = { __proto__: null, 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 } as unknown as Record<
  string,
  number | undefined
>;
const { parse: parseUrl } = URL;

/** The fault for a host that is not allowed; the ports of HTTP need not be named. */
function hostDenied(host: string, port: number | undefined, agent: string): Fault {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const asked = port === undefined || port === 80 || port === 443 ? name : `${name}:${port}`;
  return new Fault(notInNeeds({ agent, need: 'net', asked }));
}

interface NetRestriction {
  checkUrl(input: string | URL | Request): void;
  /** Put into modules before a plugin first gets them. */
  guards: Record<string, (module: object) => void>;
}

/**
 * Guards `fetch` and, where the agent has any host at all, every connection of the worker. An agent without `needs.net`
 * is denied by Node itself. `models`: the address of the model gateway, for an agent that may ask it. The guards are installed when the plugin first asks for such a module, so that other
 * plugins' cold starts cost nothing.
 */
export function restrictNet(
  net: readonly string[],
  agent: string,
  { uses, models }: { uses?: UseRecorder | undefined; models?: string | undefined } = {},
): NetRestriction {
  const mayReach = hostAllowListOf(net);
  const gateway = models === undefined ? null : parseUrl(models);
  const gatewayPort = gateway ? portIn(gateway) : 0;
  let known: Addresses | undefined;

  function check(host: string, port: number | undefined) {
    if (gateway && host === gateway.hostname && port === gatewayPort) return;
    uses?.add(
      'net',
      port === undefined ? host : `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`,
    );
    if (!mayReach(host, port)) throw hostDenied(host, port, agent);
  }

  /** Made with the first guard: Node's lookup costs a worker without connections nothing. */
  function addresses(): Addresses {
    known ??= createAddresses(check, hostAllowListOf(net.filter((entry) => /:\d+$/.test(entry))));
    return known;
  }

  function checkUrl(input: string | URL | Request) {
    const text = typeof input === 'object' && 'url' in input ? input.url : toText(input);
    const url = parseUrl(text);
    const port = url && portIn(url);
    if (url && port) check(url.hostname, port);
  }

  const { getBuiltinModule } = process;
  guardClass('WebSocket', () => getBuiltinModule('node:http').WebSocket, checkUrl);
  // Only behind a flag of Node's.
  if ('EventSource' in globalThis) {
    const { EventSource } = globalThis;
    guardClass('EventSource', () => EventSource, checkUrl);
  }
  const plainFetch = globalThis.fetch;
  globalThis.fetch = async function fetch(input, init) {
    checkUrl(input as string | URL | Request);
    return apply(plainFetch, globalThis, [input, init]) as Promise<Response>;
  };
  let isGuarded = false;
  const guard = () => {
    if (isGuarded) return;
    isGuarded = true;
    guardSockets(check, addresses(), agent);
  };
  if (net.length > 0 || gateway) guard();

  return {
    checkUrl,
    guards: {
      ...Object.fromEntries(['net', 'tls', 'http', 'https', 'http2'].map((name) => [name, guard])),
      dgram: (module) => guardDgram(module as typeof import('node:dgram'), check, addresses()),
      ...Object.fromEntries(
        ['dns', 'dns/promises'].map((name) => [
          name,
          () => guardDns(process.getBuiltinModule('node:dns'), check, agent),
        ]),
      ),
    },
  };
}

/** 0 for what goes to no host. */
function portIn({ port, protocol }: URL): number {
  const plain = PORTS[protocol];
  return plain === undefined ? 0 : toNumber(port) || plain;
}

/**
 * Guards a class that takes a URL, once somebody asks for it. The property WebSocket, read or defined over, even for its
 * descriptor, loads Node's HTTP, TLS and crypto: 80 modules, 5 MB and 10 ms of each worker. So it is deleted, and the class
 * is taken from node:http when it is wanted.
 */
function guardClass(name: string, plainOf: () => unknown, check: (url: string | URL) => void): void {
  const define = (value: unknown) =>
    defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  delete (globalThis as Record<string, unknown>)[name];
  defineProperty(globalThis, name, {
    configurable: true,
    set: define,
    get() {
      const plain = plainOf() as new (...args: unknown[]) => object;
      const guarded: typeof plain = new Proxy(plain, {
        construct(target, args, made) {
          check(args[0] as string | URL);
          return construct(target, args, made === guarded ? target : made) as object;
        },
      });
      define(guarded);
      return guarded;
    },
  });
}
