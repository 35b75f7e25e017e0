/** Decides which hosts a worker may reach; see `Needs.net`. */
export type HostAllowList = (host: string, port: number | undefined) => boolean;

/** `api.shop.example` · `localhost:8080` · `*.shop.example` (not the bare domain) · `*`. IPv6 in brackets when a port follows. */
export function hostAllowListOf(net: readonly string[]): HostAllowList {
  if (net.includes('*')) return () => true;
  const rules = net.map((entry) => {
    const match = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(entry);
    const host = bare(match?.[1] ?? entry);
    return {
      host,
      suffix: host.startsWith('*.') ? host.slice(1) : null,
      port: match?.[2] ? Number(match[2]) : undefined,
    };
  });
  return (host, port) => {
    const name = bare(host);
    return rules.some(
      (rule) =>
        (rule.suffix ? name.endsWith(rule.suffix) : name === rule.host) &&
        (rule.port === undefined || rule.port === port),
    );
  };
}

/** The port that a URL of HTTP goes to. */
export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
