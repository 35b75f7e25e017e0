import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { hostAllowListOf, portOf } from '../../workers/host-allow-list.ts';
import type { AskedFetch, FetchAnswer } from '../../workers/rehearsal.ts';

const WITHIN_MS = 30_000;
/** The answer passes through the host: it is not to be filled by one. */
const MOST_BYTES = 8 * MB;

/**
 * Does requests that only read, for a worker that has no network of its own. Redirects are the worker's to follow, so
 * that each of them passes its fence; the hosts of `net` are looked at here once more.
 */
export function liveFetch(net: readonly string[], gone: AbortSignal): (asked: AskedFetch) => Promise<FetchAnswer> {
  const mayReach = hostAllowListOf(net);
  return async ({ method, url, headers }) => {
    const asked = new URL(url);
    const { hostname } = asked;
    if (!mayReach(hostname, portOf(asked))) {
      const message = `${asked.host} is not in needs.net`;
      throw new Fault(notInNeeds({ agent: '', need: 'net', asked: asked.host, message }));
    }
    const signal = AbortSignal.any([gone, AbortSignal.timeout(WITHIN_MS)]);
    const response = await fetch(url, { method, headers, redirect: 'manual', signal });
    const body = await bodyOf(response);
    return {
      status: response.status,
      statusText: response.statusText,
      headers: [...response.headers].filter(([name]) => name !== 'content-encoding' && name !== 'content-length'),
      body: body.length === 0 ? null : body.toString('base64'),
    };
  };
}

async function bodyOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      const message = `the answer of ${response.url} is longer than a rehearsal takes (8 MB)`;
      throw new Fault({ code: 'ANSWER_TOO_LONG', message });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
