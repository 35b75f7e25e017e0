import { Fault } from '../kernel/fault.ts';
import { suggest } from '../kernel/suggest.ts';
import type { AskedFetch, FetchAnswer } from '../workers/rehearsal.ts';
import type { Http, Ran, Recorded } from './ports.ts';
import { answerOf, type RecordFile, recordedOf } from './record-file.ts';

/** Answers what a plugin fetches in a test, and keeps an account of it. */
export interface HttpAnswers {
  /** Rejects with `NOT_RECORDED`, naming the request and what to do. */
  answer(asked: AskedFetch): Promise<FetchAnswer>;
  requests(): Ran['requests'];
}

interface HttpNeeds {
  /** Replaces the values of secrets by their names. */
  scrub(text: string): string;
  /** The file that `{ record }` names. */
  file: RecordFile | undefined;
  /** Does a request for real. */
  fetch: typeof fetch;
  /** Names the record file in advice: `price-watch.http.json`. */
  suggestedFile: string;
}

/** Answers by what the test says: a list, a function, a record file, or real requests. */
export function createHttp(http: Http | undefined, needs: HttpNeeds): HttpAnswers {
  const { scrub, file } = needs;
  const requests: Ran['requests'] = [];
  const list = Array.isArray(http) ? http : (file?.read() ?? []);
  const records = new Map<string, Recorded[]>();
  for (const one of list) {
    const key = keyOf(one.method ?? 'GET', one.url);
    records.set(key, [...(records.get(key) ?? []), one]);
  }
  const isRecording = file !== undefined && !file.isThere();

  async function find(asked: AskedFetch): Promise<FetchAnswer> {
    if (typeof http === 'function') return plain(await http(requestOf(asked)));
    if (isRecording) return record(asked);
    const found = records.get(keyOf(asked.method, scrub(asked.url)));
    if (!found) throw unmatched(asked);
    // The last one stays.
    return answerOf(found.length > 1 ? found.shift()! : found[0]!);
  }

  /** Answers with what a later run will read, so that both see the same. */
  async function record(asked: AskedFetch): Promise<FetchAnswer> {
    const answer = await plain(await needs.fetch(requestOf(asked), { redirect: 'manual' }));
    const recorded = recordedOf(asked, answer, scrub);
    file!.add(recorded);
    return answerOf(recorded);
  }

  function unmatched({ method, url }: AskedFetch): Fault {
    const shown = scrub(url);
    const near = suggest(keyOf(method, shown), records.keys());
    const known = file ? `${file.name} holds no answer to it` : 'http says nothing of it';
    return new Fault({
      code: 'NOT_RECORDED',
      message: `${method} ${shown} is not recorded: ${known}${near ? `, but one to ${near}` : ''}`,
      next: file
        ? `remove ${file.name} and run the test again, to record it anew`
        : `add { url: '${shown}', body: … } to http, or record it: http: { record: '${needs.suggestedFile}' }`,
    });
  }

  return {
    async answer(asked) {
      const body = asked.body === null ? null : Buffer.from(asked.body, 'base64').toString();
      const request = { method: asked.method, url: asked.url, headers: Object.fromEntries(asked.headers), body };
      const seen: Ran['requests'][number] = { ...request, status: null };
      requests.push(seen);
      const answer = await find(asked);
      seen.status = answer.status;
      return answer;
    },
    requests: () => requests,
  };
}

function requestOf({ method, url, headers, body }: AskedFetch): Request {
  const sent = body === null ? {} : { body: Buffer.from(body, 'base64') };
  return new Request(url, { method, headers, ...sent });
}

async function plain(response: Response): Promise<FetchAnswer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    statusText: response.statusText,
    headers: [...response.headers],
    body: bytes.length === 0 ? null : bytes.toString('base64'),
  };
}

function keyOf(method: string, url: string): string {
  return `${method.toUpperCase()} ${URL.parse(url)?.href ?? url}`;
}
