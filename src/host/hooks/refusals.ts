import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeliveryHeaders } from '../../control/web-channel.ts';
import type { Log } from '../../kernel/log.ts';
import { MB, MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';

/** A delivery that no job came of, as a file of `data/deliveries` keeps it. */
export interface RefusedDelivery {
  /** `refused-…` where its sender was proven, else `unproven-…`; in the order of time. */
  id: string;
  /** Epoch ms. */
  at: number;
  /** Null: there was no agent of the name, which is not kept: strangers choose it. */
  agent: string | null;
  /** The code of the fault, or the reason why it proved nothing. */
  reason: string;
  /** The reason in words. */
  message: string;
  /** Headers without signatures and secrets. */
  headers: ShownHeaders;
  bytes: number;
}

/** Headers of a delivery that say nothing which only its sender may know. */
type ShownHeaders = Pick<DeliveryHeaders, (typeof SHOWN)[number]>;

/** Keeps the newest refused deliveries in the installation: a bounded number of files, of bytes, and of writes. */
export interface Refusals {
  /**
   * Keeps a delivery of a proven sender with its body, or one that proved nothing without. Resolves when it is on disk, or when the
   * bound of writes or the disk did not let it be kept.
   */
  keep(
    refused: { agent: string | null; reason: string; message: string; headers: DeliveryHeaders },
    body: Uint8Array,
    isProven: boolean,
  ): Promise<void>;
  /** A kept delivery of a proven sender with its body; undefined: there is none of the id. */
  get(id: string): Promise<(RefusedDelivery & { body: Uint8Array }) | undefined>;
  /** Forgets a delivery that has become a job. */
  remove(id: string): Promise<void>;
}

type Kind = 'refused' | 'unproven';

const SHOWN = ['content-type', 'idempotency-key', 'x-github-delivery', 'x-github-event', 'x-slack-retry-num'] as const;
const LONGEST_SHOWN = 200;
const FOLDER = 'data/deliveries';
const ID = /^(?:refused|unproven)-[a-z0-9]{11}$/;
const MOST_BODY_BYTES = 16 * MB;
/** Files of each kind, and writes: so many at once, and then one in so many ms. Strangers write less, and displace nothing that is proven. */
const BOUNDS = {
  refused: { most: 200, atOnce: 100, everyMs: 1_000 },
  unproven: { most: 100, atOnce: 20, everyMs: MINUTE_MS },
} as const;

/** `folder`: the installation, absolute. */
export function createRefusals({
  time,
  log,
  folder,
}: {
  time: Pick<Time, 'now' | 'monotonic'>;
  log: Pick<Log, 'warn'>;
  folder: string;
}): Refusals {
  const place = join(folder, FOLDER);
  const shares: Record<Kind, { left: number; at: number }> = {
    refused: { left: BOUNDS.refused.atOnce, at: time.monotonic() },
    unproven: { left: BOUNDS.unproven.atOnce, at: time.monotonic() },
  };
  /** The end of the last write: each of them looks at what the one before has left. */
  let turn = Promise.resolve();
  let lastId = 0;

  function mayWrite(kind: Kind): boolean {
    const share = shares[kind];
    const { atOnce, everyMs } = BOUNDS[kind];
    const now = time.monotonic();
    share.left = Math.min(atOnce, share.left + (now - share.at) / everyMs);
    share.at = now;
    if (share.left < 1) return false;
    share.left -= 1;
    return true;
  }

  async function write(refusal: RefusedDelivery, body: Uint8Array | undefined) {
    await mkdir(place, { recursive: true, mode: 0o700 });
    // The body first: a delivery is known by its facts, and is whole then.
    if (body) await writeFile(join(place, `${refusal.id}.body`), body, { mode: 0o600 });
    await writeFile(join(place, `${refusal.id}.json`), JSON.stringify(refusal), { mode: 0o600 });
    await prune(place, refusal.id.startsWith('refused') ? 'refused' : 'unproven');
  }

  return {
    keep({ headers, ...facts }, body, isProven) {
      const kind = isProven ? 'refused' : 'unproven';
      if (!mayWrite(kind)) return Promise.resolve();
      // Two in one millisecond, or a clock that was set back, do not share an id.
      lastId = Math.max(time.now() * 100, lastId + 1);
      const id = `${kind}-${lastId.toString(36).padStart(11, '0')}`;
      const refusal: RefusedDelivery = {
        id,
        at: time.now(),
        ...facts,
        headers: shownOf(headers),
        bytes: body.byteLength,
      };
      turn = turn
        .then(() => write(refusal, isProven ? body : undefined))
        .catch((cause: Error) => log.warn('a refused delivery could not be kept', { why: cause.message }));
      return turn;
    },
    async get(id) {
      if (!ID.test(id)) return undefined;
      const refusal = await readRefusal(place, id);
      const body = refusal && (await readFile(join(place, `${id}.body`)).catch(() => undefined));
      return body && { ...refusal, body };
    },
    async remove(id) {
      if (ID.test(id)) await removeFiles(place, id);
    },
  };
}

/** The refused deliveries that an installation keeps, newest first; a file that cannot be read is left out. */
export async function readRefusals(folder: string): Promise<RefusedDelivery[]> {
  const place = join(folder, FOLDER);
  const found = await Promise.all((await idsIn(place)).map((id) => readRefusal(place, id)));
  return found.filter((one) => one !== undefined).sort((a, b) => b.at - a.at);
}

async function readRefusal(place: string, id: string): Promise<RefusedDelivery | undefined> {
  try {
    const { at, agent, reason, message, headers, bytes } = JSON.parse(
      await readFile(join(place, `${id}.json`), 'utf8'),
    ) as RefusedDelivery;
    if (!Number.isSafeInteger(at) || typeof reason !== 'string') return undefined;
    return {
      id,
      at,
      agent: agent ?? null,
      reason,
      message: message ?? reason,
      headers: shownOf(headers ?? {}),
      bytes: bytes ?? 0,
    };
  } catch {
    return undefined;
  }
}

async function prune(place: string, kind: Kind): Promise<void> {
  const ids = (await idsIn(place))
    .filter((id) => id.startsWith(kind))
    .sort()
    .reverse();
  let bytes = 0;
  for (const [at, id] of ids.entries()) {
    bytes += await stat(join(place, `${id}.body`)).then(
      ({ size }) => size,
      () => 0,
    );
    if (at >= BOUNDS[kind].most || bytes > MOST_BODY_BYTES) await removeFiles(place, id);
  }
}

/** The facts go first: without them the body is nobody's, and the next pruning takes what is left. */
async function removeFiles(place: string, id: string): Promise<void> {
  for (const name of ['json', 'body']) await rm(join(place, `${id}.${name}`), { force: true });
}

async function idsIn(place: string): Promise<string[]> {
  const names = await readdir(place).catch((): string[] => []);
  return [...new Set(names.map((name) => name.replace(/\.(?:json|body)$/, '')))].filter((id) => ID.test(id));
}

function shownOf(headers: DeliveryHeaders): ShownHeaders {
  const shown = SHOWN.flatMap((name): [string, string][] => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value.slice(0, LONGEST_SHOWN)]] : [];
  });
  return Object.fromEntries(shown);
}
