import type { Socket } from 'node:dgram';
import { Fault } from '../../kernel/fault.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { apply, getPrototypeOf, isArray, toNumber, toText } from '../../kernel/primordials.ts';
import { type Addresses, type CheckHost, isAllowed } from './sockets.ts';

type Method = (...args: unknown[]) => unknown;
type Raw = Record<string, Method>;

/** The answer of a raw handle that refuses: EACCES. */
const REFUSED = -13;

/**
 * Guards datagrams: where they are sent, by name, and at the raw handle, by address. A refusal goes where the plugin waits
 * for the end of its call, and not up through Node's own code.
 */
export function guardDgram(dgram: typeof import('node:dgram'), check: CheckHost, addresses: Addresses): void {
  const { prototype } = dgram.Socket;
  const { send, connect } = prototype as unknown as { send: Method; connect: Method };
  const reach = createReach(check, addresses);

  prototype.connect = function (this: Socket, port: unknown, ...rest: unknown[]) {
    const callback = rest[rest.length - 1];
    const host = typeof rest[0] === 'function' ? undefined : rest[0];
    reach(this, { host, port, callback }, (address, number) => apply(connect, this, [number, address, callback]));
  } as never;
  prototype.send = function (this: Socket, ...args: unknown[]) {
    const callback = typeof args[args.length - 1] === 'function' ? args[args.length - 1] : undefined;
    const length = callback === undefined ? args.length : args.length - 1;
    // `send(message, [offset, length,] [port] [, address])`: a connected socket names no port.
    const at = length > 3 || (length === 3 && typeof args[2] === 'number') ? 3 : 1;
    if (args[at] === undefined || at >= length) return apply(send, this, args);
    const message: unknown[] = [];
    for (let index = 0; index < at; index++) message[index] = args[index];
    reach(this, { host: args[at + 1], port: args[at], callback }, (address, number) => {
      message[at] = number;
      message[at + 1] = address;
      message[at + 2] = callback;
      apply(send, this, message);
    });
    return undefined;
  } as never;
  guardRawUdp(dgram, addresses);
}

interface Reached {
  host: unknown;
  port: unknown;
  callback: unknown;
}

/** Calls `go` with an address that is allowed in place of the name; a failure is told to the callback, or as an event. */
function createReach(check: CheckHost, addresses: Addresses) {
  const { isIP } = process.getBuiltinModule('node:net');
  return (socket: Socket, { host, port, callback }: Reached, go: (address: string, port: number) => void) => {
    const fail = (error: unknown) => {
      if (typeof callback === 'function') process.nextTick(callback as Method, error);
      else process.nextTick(() => socket.emit('error', error as Error));
    };
    const isV6 = (socket as unknown as { type: string }).type === 'udp6';
    const name = host ? toText(host) : isV6 ? '::1' : '127.0.0.1';
    const number = toNumber(port);
    try {
      check(host ? name : 'localhost', number);
    } catch (error) {
      return fail(error);
    }
    const lookup = addresses.lookupFor(number) as unknown as Method;
    // Node's lookup gives an address back as it is, and notes it.
    lookup(name, { family: isIP(name) || (isV6 ? 6 : 4) }, (error: unknown, address: unknown) => {
      if (error) return fail(error);
      try {
        go(toText(address), number);
      } catch (thrown) {
        fail(thrown);
      }
    });
  };
}

function guardRawUdp(dgram: typeof import('node:dgram'), addresses: Addresses): void {
  const socket = dgram.createSocket('udp4');
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  const { handle } = (socket as unknown as Record<symbol, { handle: object }>)[state!]!;
  const raw = getPrototypeOf(handle) as Raw;
  socket.close();
  for (const [name, at] of [
    ['connect', 0],
    ['connect6', 0],
    ['send', 4],
    ['send6', 4],
  ] as const) {
    const plain = raw[name]!;
    raw[name] = function (this: unknown, ...args: unknown[]) {
      // send(request, list, count, hasCallback) goes where the socket is connected to.
      if (at === 4 && args.length < 5) return apply(plain, this, args);
      const [ip, port] = at === 0 ? [toText(args[0]), toNumber(args[1])] : [toText(args[4]), toNumber(args[3])];
      if (!addresses.mayReach(ip, port)) return REFUSED;
      if (at === 0) return apply(plain, this, [ip, port]);
      args[3] = port;
      args[4] = ip;
      return apply(plain, this, args);
    };
  }
  for (const name of ['bind', 'bind6']) {
    const plain = raw[name]!;
    raw[name] = function (this: unknown, ip, port, flags) {
      const number = toNumber(port);
      // Each socket that sends is bound to a port of the system's choice.
      if (number !== 0 && !addresses.mayListen(toText(ip), number)) return REFUSED;
      return apply(plain, this, [toText(ip), number, flags]);
    };
  }
  raw.open = () => REFUSED;
}

/** Guards node:dns: a resolver asks the machine's name servers, or those that `needs.net` names. */
export function guardDns(dns: typeof import('node:dns'), check: CheckHost, agent: string): void {
  const { _handle: handle } = new dns.Resolver() as unknown as { _handle: object };
  const raw = getPrototypeOf(handle) as Raw;
  const { setServers } = raw;
  raw.setServers = function (this: unknown, servers) {
    const copy: unknown[] = [];
    const list = isArray(servers) ? (servers as unknown[]) : [];
    for (let at = 0; at < list.length; at++) {
      const { 0: family, 1: ip, 2: port } = list[at] as [number, string, number];
      const place: [number, string, number] = [toNumber(family), toText(ip), toNumber(port)];
      if (!isAllowed(check, place[1], place[2])) {
        const asked = `${place[1]}:${place[2]}`;
        const message = `agent ${agent} may not ask the name server ${asked}: it is not in needs.net`;
        throw new Fault(notInNeeds({ agent, need: 'net', asked, message }));
      }
      copy[at] = place;
    }
    return apply(setServers!, this, [copy]);
  };
}
