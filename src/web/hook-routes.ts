import { DELIVERY_HEADERS, type DeliveryHeaders, LONGEST_HEADER } from '../control/web-channel.ts';
import { BOUNDS } from '../kernel/bounds.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import { MB } from '../kernel/measures.ts';
import { readBody } from './body.ts';
import type { Route, RouteAnswer, RouteCall } from './route.ts';

/** Bytes of bodies that this process holds at a time, until the host has answered. */
const MOST_HELD_BYTES = 16 * MB;
/** Deliveries, and bytes of them, that the host is handed in a second: a flood costs it no more. */
const A_SECOND = { deliveries: 500, bytes: 16 * MB };
/** The host answers when the job is on disk. */
const WITHIN_MS = 10_000;
const SIGNATURES = ['authorization', 'x-hub-signature-256', 'stripe-signature', 'x-slack-signature'] as const;

/** Deliveries of other programs, `POST /hooks/<agent>`: bounded here, judged by the host. */
export function hookRoutes(): readonly Route[] {
  let heldBytes = 0;
  const share = createShare();

  async function deliver(call: RouteCall): Promise<RouteAnswer> {
    const headers = headersOf(call.request);
    let held = 0;
    let isFull = false;
    const hold = (bytes: number) => {
      isFull = heldBytes + bytes > MOST_HELD_BYTES;
      if (isFull) return false;
      heldBytes += bytes;
      held += bytes;
      return true;
    };
    try {
      // A delivery without a signature is counted by the host, which need not see its body for that.
      const isSigned = SIGNATURES.some((name) => headers[name] !== undefined);
      const body = isSigned ? await readBody(call.request, BOUNDS.delivery.most, hold) : Buffer.alloc(0);
      if (!body) return refusal(isFull ? BUSY : TOO_LONG);
      if (!share.take(body.byteLength, call.now())) return refusal(TOO_MANY);
      const agent = call.params.agent!.slice(0, 200);
      return answerOf(await call.deliver({ agent, headers, body: body.toString('base64') }, WITHIN_MS));
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      return refusal(thrown.plain);
    } finally {
      heldBytes -= held;
    }
  }

  return [
    { method: 'POST', path: '/hooks/:agent', answer: deliver },
    {
      method: 'GET',
      path: '/hooks/:agent',
      answer: async () => ({ status: 405, body: 'a delivery is a POST\n' }),
    },
  ];
}

function headersOf({ headers }: Request): DeliveryHeaders {
  const found = DELIVERY_HEADERS.flatMap((name): [string, string][] => {
    const value = headers.get(name);
    return value === null || value.length > LONGEST_HEADER ? [] : [[name, value]];
  });
  return Object.fromEntries(found);
}

/** The share of the host's time that deliveries get, in deliveries and bytes; what a second does not use is not saved. */
function createShare() {
  let second = 0;
  let used = { deliveries: 0, bytes: 0 };
  return {
    take(bytes: number, now: number): boolean {
      const at = Math.floor(now / 1_000);
      if (at !== second) used = { deliveries: 0, bytes: 0 };
      second = at;
      if (used.deliveries >= A_SECOND.deliveries || used.bytes + bytes > A_SECOND.bytes) return false;
      used.deliveries += 1;
      used.bytes += bytes;
      return true;
    },
  };
}

function answerOf({ is, reply, ...facts }: Awaited<ReturnType<RouteCall['deliver']>>): RouteAnswer {
  if (reply !== undefined) return { status: 200, body: reply as string | object };
  return { status: is === 'queued' ? 202 : 200, body: { ...facts, repeated: is === 'repeated' } };
}

const TOO_LONG: PlainFault = { code: 'HOOK_TOO_LONG', message: 'the body is longer than 1 MB' };
const BUSY: PlainFault = { code: 'HOOK_BUSY', message: 'too many deliveries at once' };
const TOO_MANY: PlainFault = { code: 'HOOK_RATE', message: 'too many deliveries in this second' };

/** The status of each refusal; any other fault is one of the host: 503, and the delivery is to be sent again. */
const STATUS: Readonly<Record<string, number>> = {
  HOOK_UNKNOWN: 404,
  HOOK_TOO_LONG: 413,
  TOO_LARGE: 413,
  HOOK_TYPE: 415,
  HOOK_BODY: 400,
  NOT_JSON: 400,
  HOOK_KEY: 422,
  INPUT_INVALID: 422,
  HOOK_RATE: 429,
};
/** Seconds after which a delivery may be sent again, by status. */
const AGAIN_AFTER: Readonly<Record<number, number>> = { 429: 5, 503: 10 };

function refusal({ code, message }: PlainFault): RouteAnswer {
  const status = STATUS[code] ?? 503;
  const after = AGAIN_AFTER[status];
  return {
    status,
    body: { error: { code, message } },
    ...(after === undefined ? {} : { headers: { 'retry-after': String(after) } }),
  };
}
