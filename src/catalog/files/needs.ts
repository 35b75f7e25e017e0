import { posix } from 'node:path';
import type { AgentLlmLimits, GrantedNeeds } from '../../jobs/agent.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { type CommandGrant, grantCovers, grantText } from '../../kernel/command-grant.ts';
import { readTokens } from '../../kernel/units.ts';
import type { LlmLimits, Needs } from '../../plugin/define.ts';

/** The needs of a plugin that needs nothing. */
const NO_NEEDS: GrantedNeeds = {
  secrets: [],
  env: [],
  net: [],
  read: [],
  write: [],
  exec: [],
  modules: [],
  fleet: false,
  llm: false,
};

/** A need of an agent file beyond those of its plugin. */
interface Widened {
  path: (string | number)[];
  message: string;
}

const isSame = (granted: string, asked: string) => granted === asked;

/**
 * Tells when an entry of the plugin's needs covers an entry of the agent file; entries without a rule here have to be
 * the same.
 */
const COVERS: Partial<Record<keyof Needs, (granted: never, asked: never) => boolean>> = {
  net: hostCovers,
  read: pathCovers,
  write: pathCovers,
  exec: grantCovers,
  kill: (granted: string, asked: string) => granted === '*' || granted === asked,
};

/** The plugin's needs, narrowed by those of the agent file; a key that the file leaves out stays as the plugin says. */
export function narrowNeeds(
  plugin: Needs | undefined,
  file: Needs | undefined,
): { needs: GrantedNeeds } | { widened: Widened } {
  const all: Required<Omit<Needs, 'kill'>> & Pick<Needs, 'kill'> = { ...NO_NEEDS, ...withoutUndefined(plugin) };
  const llm = narrowLlm(all.llm, file?.llm);
  if (typeof llm === 'object' && 'widened' in llm) return llm;
  const narrowed: GrantedNeeds = { ...all, ...withoutUndefined(file), llm };
  if (file?.fleet && !all.fleet) return widened(['fleet'], 'true', 'false');
  for (const key of ['secrets', 'env', 'modules', 'net', 'read', 'write', 'exec', 'kill'] as const) {
    // An agent that may write a path may read it.
    const granted: readonly CommandGrant[] = key === 'read' ? [...all.read, ...all.write] : (all[key] ?? []);
    const covers = COVERS[key] ?? isSame;
    for (const [index, asked] of (file?.[key] ?? []).entries()) {
      const isInside = granted.some((one) => covers(one as never, asked as never));
      if (!isInside)
        return widened([key, index], grantText(asked), (all[key] ?? []).map(grantText).join(', ') || 'none');
    }
  }
  return { needs: narrowed };
}

/** Limits of the file stand beside those of the plugin, where they are not above them; a file that says `true` asks for no limit. */
function narrowLlm(plugin: LlmNeed, file: LlmNeed | undefined): GrantedNeeds['llm'] | { widened: Widened } {
  const granted = limitsOf(plugin);
  if (file === undefined) return granted;
  const asked = limitsOf(file);
  if (asked === false) return false;
  if (granted === false) return widened(['llm'], llmText(asked), 'false');
  if (granted === true) return asked;
  if (asked === true) return widened(['llm'], 'true', llmText(granted));
  for (const key of ['calls', 'tokens', 'money'] as const) {
    if ((asked[key] ?? 0) <= (granted[key] ?? Number.POSITIVE_INFINITY)) continue;
    return widened(['llm', key], String(asked[key]), llmText(granted));
  }
  return { ...granted, ...asked };
}

type LlmNeed = NonNullable<Needs['llm']>;

/** The limits with tokens as a number. A text was checked when it was read. */
function limitsOf(llm: LlmNeed): GrantedNeeds['llm'] {
  if (typeof llm === 'boolean') return llm;
  const { tokens, ...others } = llm as LlmLimits;
  const limits: AgentLlmLimits = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined));
  const count = tokens === undefined ? undefined : readTokens(tokens, BOUNDS.tokens);
  if (typeof count === 'number') limits.tokens = count;
  return Object.keys(limits).length === 0 ? true : limits;
}

function llmText(llm: GrantedNeeds['llm']): string {
  if (typeof llm === 'boolean') return String(llm);
  return `{ ${Object.entries(llm)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')} }`;
}

/** Whether the host `granted` covers the host `asked`: `*.shop.example` covers `api.shop.example`. */
export function hostCovers(granted: string, asked: string): boolean {
  if (granted === '*') return true;
  const [host, port] = splitPort(granted.toLowerCase());
  const [askedHost, askedPort] = splitPort(asked.toLowerCase());
  if (port !== undefined && port !== askedPort) return false;
  if (host === askedHost) return true;
  // `*.shop.example` is every host below shop.example, not shop.example itself.
  return host.startsWith('*.') && askedHost.endsWith(host.slice(1)) && askedHost.length > host.length - 1;
}

/** Whether `asked` is `granted` or lies below it. Relative paths are inside the installation; `..` is resolved first. */
export function pathCovers(granted: string, asked: string): boolean {
  const outer = plainPath(granted);
  const inner = plainPath(asked);
  if (outer === inner || outer === '/') return outer === '/' ? inner.startsWith('/') : true;
  if (outer === '.') return !inner.startsWith('/') && inner !== '..' && !inner.startsWith('../');
  return inner.startsWith(`${outer}/`);
}

function plainPath(path: string): string {
  const plain = posix.normalize(path.replaceAll('\\', '/'));
  return plain.length > 1 ? plain.replace(/\/$/, '') : plain;
}

function splitPort(host: string): [string, string | undefined] {
  const match = /^(.*?)(?::(\d+))?$/.exec(host);
  return host.startsWith('[') && !host.includes(']:') ? [host, undefined] : [match![1]!, match![2]];
}

function widened(path: (string | number)[], asked: string, granted: string): { widened: Widened } {
  return {
    widened: {
      path: ['needs', ...path],
      message: `asks for ${asked}, which the plugin does not need (${path[0]}: ${granted}); an agent file may only narrow`,
    },
  };
}

function withoutUndefined(needs: Needs | undefined): Partial<Needs> {
  return Object.fromEntries(Object.entries(needs ?? {}).filter(([, value]) => value !== undefined));
}
