import { endsWith, sliceText, startsWith, toLowerCase } from '../kernel/primordials.ts';

/** Decides which hosts a worker may reach; see `Needs.net`. */
export type HostAllowList = (host: string, port: number | undefined) => boolean;

/** `api.shop.example` · `localhost:8080` · `*.shop.example` (not the bare domain) · `*`. IPv6 in brackets when a port follows. */
export function hostAllowListOf(net: readonly string[]): HostAllowList {
  if (net.includes('*')) return () => true;
  const rules = net.map((entry) => {
    const { name, port } = hostAndPort(entry);
    const host = bare(name);
    return { host, suffix: host.startsWith('*.') ? host.slice(1) : null, port };
  });
  return (host, port) => {
    const name = bare(host);
    for (let at = 0; at < rules.length; at++) {
      const rule = rules[at]!;
      const isHost = rule.suffix ? endsWith(name, rule.suffix) : name === rule.host;
      if (isHost && (rule.port === undefined || rule.port === port)) return true;
    }
    return false;
  };
}

/** TCP ports that may be connected to: those that the entries name; `any` where an entry names none, null without entries. */
export function portsOf(net: readonly string[]): number[] | 'any' | null {
  if (net.length === 0) return null;
  return net.some((entry) => hostAndPort(entry).port === undefined) ? 'any' : namedPortsOf(net);
}

/** The ports that a command of an agent may use; null: it has no network. */
export function networkOf(net: readonly string[]): { connect: number[] | 'any'; listen: number[] } | null {
  const connect = portsOf(net);
  return connect === null ? null : { connect, listen: namedPortsOf(net) };
}

/** The ports that the entries name: an agent may listen there. */
export function namedPortsOf(net: readonly string[]): number[] {
  const ports = net.map((entry) => hostAndPort(entry).port).filter((port) => port !== undefined);
  return [...new Set(ports)].sort((one, other) => one - other);
}

function hostAndPort(entry: string): { name: string; port: number | undefined } {
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(entry);
  return { name: match?.[1] ?? entry, port: match?.[2] ? Number(match[2]) : undefined };
}

/** The port that a URL of HTTP goes to. */
export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

/** In lower case, without brackets and the dot of a root name. */
function bare(host: string): string {
  const name = toLowerCase(host);
  const from = startsWith(name, '[') ? 1 : 0;
  const last = name[name.length - 1];
  return sliceText(name, from, name.length - (last === ']' || last === '.' ? 1 : 0));
}
