import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { WebSession } from '../../control/web-channel.ts';
import { Fault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { DAY_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import type { OperationRole } from '../../operations/operation.ts';

/**
 * The sessions of people who have signed in to the page. A file of mode 0600 keeps the hashes of their cookies, so that
 * the next host knows them too.
 */
export interface Sessions {
  /** The code of a link, good for five minutes and one browser. */
  invite(role: OperationRole): { code: string; until: number };
  /** Changes a code into a cookie. Throws `LINK_WRONG`. */
  signIn(code: string): { cookie: string; session: WebSession };
  /** Returns the session that has ended; undefined when there was none. */
  signOut(cookie: string): WebSession | undefined;
  /** The session of a cookie, while it lasts. */
  of(cookie: string): WebSession | undefined;
  list(): WebSession[];
}

const LINK_MS = 5 * MINUTE_MS;
const MOST_LINKS = 20;
const SESSION_MS = 14 * DAY_MS;
const MOST_SESSIONS = 100;
const FORMAT = 1;

interface SessionsNeeds {
  time: Time;
  log: Log;
  /** The file that keeps the sessions. */
  file: string;
  /** Called when a session was added, or has ended. */
  changed(): void;
}

export function createSessions({ time, log, file, changed }: SessionsNeeds): Sessions {
  const links = new Map<string, { role: OperationRole; until: number }>();
  const sessions = new Map(readSessions(file).map((session) => [session.hash, session]));

  function keep() {
    const now = time.now();
    for (const [hash, { until }] of sessions) if (until <= now) sessions.delete(hash);
    // The oldest are the first.
    for (const hash of [...sessions.keys()].slice(0, Math.max(0, sessions.size - MOST_SESSIONS))) sessions.delete(hash);
    try {
      writeSessions(file, [...sessions.values()]);
    } catch (error) {
      log.warn('who has signed in is not kept: another host will ask again', { fault: toPlainFault(error) });
    }
    changed();
  }

  function find(cookie: string): WebSession | undefined {
    const found = sessions.get(hashOf(cookie));
    return found && found.until > time.now() ? found : undefined;
  }

  return {
    invite(role) {
      const code = newSecret();
      const until = time.now() + LINK_MS;
      links.set(hashOf(code), { role, until });
      const [oldest] = links.keys();
      if (links.size > MOST_LINKS) links.delete(oldest!);
      return { code, until };
    },
    signIn(code) {
      const link = links.get(hashOf(code));
      links.delete(hashOf(code));
      if (!link || link.until <= time.now()) throw linkWrong();
      const cookie = newSecret();
      const session = { hash: hashOf(cookie), role: link.role, until: time.now() + SESSION_MS };
      sessions.set(session.hash, session);
      keep();
      return { cookie, session };
    },
    signOut(cookie) {
      const session = find(cookie);
      if (session && sessions.delete(session.hash)) keep();
      return session;
    },
    of: find,
    list: () => [...sessions.values()].filter(({ until }) => until > time.now()),
  };
}

/** 256 bits of chance. */
function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function linkWrong(): Fault {
  const message = 'this link was used already, is older than five minutes, or is none of this host';
  return new Fault({ code: 'LINK_WRONG', message, next: 'daruma open' });
}

/** A file that is none of ours, or cannot be read, means that nobody has signed in. */
function readSessions(file: string): WebSession[] {
  try {
    const { format, sessions } = JSON.parse(readFileSync(file, 'utf8')) as { format?: unknown; sessions?: unknown };
    return format === FORMAT && Array.isArray(sessions) ? sessions.filter(isSession) : [];
  } catch {
    return [];
  }
}

function isSession(said: unknown): said is WebSession {
  const { hash, role, until } = (said ?? {}) as Partial<WebSession>;
  return (
    typeof hash === 'string' &&
    /^[0-9a-f]{64}$/.test(hash) &&
    (role === 'reader' || role === 'operator') &&
    Number.isSafeInteger(until)
  );
}

function writeSessions(file: string, sessions: WebSession[]): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.tmp`, JSON.stringify({ format: FORMAT, sessions }), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}
