/** The MCP server, for both doors: a bundle of its own, which a process loads when an assistant asks for the first time. */
import { createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { machineTime } from '../kernel/time.ts';
import type { McpHost } from './ports.ts';
import { createMcpServer } from './server.ts';

/** Bytes of a request: the input of a job is its longest part. */
const LONGEST_REQUEST = 2 * 1024 * 1024;
const MOST_SUBSCRIPTIONS = 8;
/** A stream beats more often than the page's server closes idle connections, in ms. */
const BEAT_MS = 5_000;

/** Answers requests of MCP over HTTP, each with a server of its own; nothing is kept between two of them. */
export interface McpOverHttp {
  answer(request: Request, host: McpHost): Promise<Response>;
}

/** `failed`: an error that no client hears of. */
export function createMcpOverHttp(failed: (error: Error) => void): McpOverHttp {
  const handler = createMcpHandler(
    ({ authInfo }) => createMcpServer(authInfo!.extra!.host as McpHost, machineTime.now),
    {
      onerror: failed,
      responseMode: 'auto',
      maxRequestBodySize: LONGEST_REQUEST,
      maxSubscriptions: MOST_SUBSCRIPTIONS,
      keepAliveMs: BEAT_MS,
    },
  );
  return {
    answer: (request, host) =>
      handler.fetch(request, { authInfo: { token: '', clientId: 'assistant', scopes: [], extra: { host } } }),
  };
}

/** Serves MCP on stdin and stdout of this process; resolves when the client has closed stdin. */
export async function serveMcpOverStdio(host: McpHost, failed: (error: Error) => void): Promise<void> {
  const closed = Promise.withResolvers<void>();
  process.stdin.once('end', () => closed.resolve());
  process.stdin.once('close', () => closed.resolve());
  const handle = serveStdio(() => createMcpServer(host, machineTime.now), { onerror: failed });
  await closed.promise;
  await handle.close();
}
