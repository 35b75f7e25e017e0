import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BOUNDS, isWithin } from '../../kernel/bounds.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import { PING_NAME } from '../../kernel/ping-name.ts';
import { isSameSecret } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Heartbeats } from '../../telemetry/heartbeats.ts';
import type { OpTable } from '../api/handlers.ts';

/** The time that a program outside of Daruma may be silent when its pings name none. */
const PING_WITHIN_MS = 15 * MINUTE_MS;
/** The most programs that may ping: only a person forgets a name. */
const MOST_NAMES = 200;
/** The file of the token of pings, relative to the installation. */
const TOKEN_FILE = 'data/ping.token';

/** A program outside of Daruma that pings, with its last ping. */
interface Ping {
  name: string;
  /** The time of the last ping, epoch ms. */
  at: number;
  withinMs: number;
  /** The time since the last ping. */
  silentMs: number;
  isLate: boolean;
}

interface PingNeeds {
  time: Pick<Time, 'now'>;
  heartbeats: Pick<Heartbeats, 'pings'>;
}

/** The programs that have ever pinged and are not forgotten, by name. */
export function pingsOf({ time, heartbeats }: PingNeeds): Ping[] {
  return [...heartbeats.pings()].sort().map(([name, { at, withinMs = PING_WITHIN_MS }]) => {
    const silentMs = Math.max(0, time.now() - at);
    return { name, at, withinMs, silentMs, isLate: silentMs > withinMs };
  });
}

/** A problem for each program that is late. */
export function latePings(needs: PingNeeds): PlainFault[] {
  return pingsOf(needs).flatMap(({ name, isLate, silentMs, withinMs }) => {
    const message = `${name}, outside of Daruma, has not pinged for ${formatDuration(silentMs)}; it has to every ${formatDuration(withinMs)}`;
    return isLate
      ? { code: 'PING_LATE', message, next: `see to it; daruma health --forget ${name} ends the wait` }
      : [];
  });
}

/** Takes the pings of programs outside. */
export interface Pings {
  /** Keeps a ping that carries the token; rejects with `PING_TOKEN_WRONG`, `PING_INVALID` or `PINGS_FULL`. */
  receive(ping: { name: string; token: string; withinMs: number | null }): Promise<unknown>;
}

/** Makes the token of the installation when it is missing. */
export function createPings({ folder, heartbeats }: { folder: string; heartbeats: Heartbeats }): Pings {
  const token = ownToken(join(folder, TOKEN_FILE));
  return {
    async receive({ name, token: said, withinMs }) {
      // An empty file is no token.
      if (token === '' || !isSameSecret(said, token)) throw new Fault(tokenWrong());
      if (!PING_NAME.test(name) || (withinMs !== null && !isWithin(withinMs, BOUNDS.timer))) throw new Fault(invalid());
      if (!heartbeats.pings().has(name) && heartbeats.pings().size >= MOST_NAMES) throw new Fault(tooMany());
      const { at } = await heartbeats.ping(name, withinMs ?? undefined);
      return { name, at: isoOf(at), withinMs: withinMs ?? PING_WITHIN_MS };
    },
  };
}

/** The operation by which a person ends the wait for a program. */
export function pingOps({ heartbeats }: { heartbeats: Pick<Heartbeats, 'forgetPing'> }): Pick<OpTable, 'pingForget'> {
  return { pingForget: async ({ name }) => ({ name, forgotten: await heartbeats.forgetPing(name) }) };
}

function ownToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const token = randomBytes(24).toString('base64url');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
  return token;
}

function tokenWrong(): PlainFault {
  const next = `send what stands in ${TOKEN_FILE} of the installation as Authorization: Bearer …`;
  return { code: 'PING_TOKEN_WRONG', message: 'a ping carries the token of pings', next };
}

function invalid(): PlainFault {
  const next = 'POST /ping/<name>?within=25h, with a name of letters, digits, dots, hyphens and underscores';
  return { code: 'PING_INVALID', message: 'no such ping is taken: its name or its time is none', next };
}

function tooMany(): PlainFault {
  const message = `${MOST_NAMES} programs ping already`;
  return {
    code: 'PINGS_FULL',
    message,
    next: 'daruma health shows them; daruma health --forget ends the wait for one',
  };
}
