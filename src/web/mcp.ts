import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'hono';
import type { Ops } from '../control/protocol.ts';
import type { WebAssistant } from '../control/web-channel.ts';
import { Fault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { entryFile } from '../kernel/paths.ts';
import { sha256 } from '../kernel/sha256.ts';
import type { Time } from '../kernel/time.ts';
import type { McpHost } from '../mcp/ports.ts';
import type { McpOverHttp } from '../mcp/serve.ts';
import type { HostLink } from './host-link.ts';
import type { Reader } from './reader.ts';

interface McpRouteNeeds {
  time: Pick<Time, 'now'>;
  link: Pick<HostLink, 'ask' | 'assistant' | 'silentMs'>;
  reader: Pick<Reader, 'ask' | 'forget'>;
  /** The installation. */
  folder: string;
  /** An error that no client hears of, for the log. */
  failed(error: unknown): void;
}

/** The library of MCP is loaded with the first request of an assistant: a page that is only looked at needs none of it. */
const SERVE = entryFile('mcp/serve.js').href;
/** Requests of assistants that are answered at the same time, beside those of pages. */
const MOST_AT_ONCE = 8;
/** The host speaks each 2 s: after a silence of this long, in ms, an answer may have come from the store. */
const SILENT_MS = 3_000;
const ACT_WITHIN_MS = 20_000;
const LONGEST_TOKEN = 200;

/** Answers `/mcp`. A request needs the bearer token of an assistant; cookies count for nothing here, so no browser acts by mistake. */
export function createMcpRoute(needs: McpRouteNeeds): (c: Context) => Promise<Response> {
  let loaded: Promise<McpOverHttp> | undefined;
  let atOnce = 0;

  async function load(): Promise<McpOverHttp> {
    const { createMcpOverHttp } = (await import(SERVE)) as typeof import('../mcp/serve.ts');
    return createMcpOverHttp(needs.failed);
  }

  return async (c) => {
    const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    const assistant =
      token === undefined || token.length > LONGEST_TOKEN ? undefined : needs.link.assistant(sha256(token));
    if (!assistant) return c.text('an assistant needs a token: daruma mcp allow claude\n', 401, REFUSED);
    if (atOnce >= MOST_AT_ONCE) return c.text('too many requests at once\n', 503, { 'retry-after': '1' });
    atOnce += 1;
    try {
      loaded ??= load();
      return await (await loaded).answer(c.req.raw, hostFor(needs, assistant, token!));
    } finally {
      atOnce -= 1;
    }
  };
}

const REFUSED = { 'www-authenticate': 'Bearer realm="daruma"', 'cache-control': 'no-store' };

/** The host as an assistant may ask it: reads have the rights of a reader, acts those of its token. */
function hostFor({ time, link, reader, folder }: McpRouteNeeds, { role }: WebAssistant, token: string): McpHost {
  const act = async <O extends 'plan' | 'apply'>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']> => {
    if (link.silentMs() >= SILENT_MS) throw noActNow();
    return link.ask(op, args, { cookie: null, token, withinMs: ACT_WITHIN_MS }).finally(reader.forget);
  };
  return {
    ask: (op, args) => reader.ask(op, args, null),
    down() {
      const silentMs = link.silentMs();
      return silentMs < SILENT_MS ? undefined : { lastSign: isoOf(time.now() - silentMs) };
    },
    acts: role === 'operator' ? { plan: (args) => act('plan', args), apply: (args) => act('apply', args) } : undefined,
    guide() {
      try {
        return readFileSync(join(folder, 'AGENTS.md'), 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}

function noActNow(): Fault {
  const message = 'no host answers, so nothing can be planned or done now';
  return new Fault({ code: 'HOST_SILENT', message, next: 'daruma status' });
}
