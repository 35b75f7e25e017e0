import { randomBytes } from 'node:crypto';
import type { WebSession } from '../../control/web-channel.ts';
import { Fault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { DAY_MS, MINUTE_MS } from '../../kernel/measures.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import type { OperationRole } from '../../operations/operation.ts';
import { readKeptList, writeKeptList } from '../kept-list.ts';

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
  const sessions = new Map(readKeptList(file, 'sessions', isSession).map((session) => [session.hash, session]));

  function keep() {
    const now = time.now();
    for (const [hash, { until }] of sessions) if (until <= now) sessions.delete(hash);
    // The oldest are the first.
    for (const hash of [...sessions.keys()].slice(0, Math.max(0, sessions.size - MOST_SESSIONS))) sessions.delete(hash);
    try {
      writeKeptList(file, 'sessions', [...sessions.values()]);
    } catch (error) {
      log.warn('who has signed in is not kept: another host will ask again', { fault: toPlainFault(error) });
    }
    changed();
  }

  function find(cookie: string): WebSession | undefined {
    const found = sessions.get(sha256(cookie));
    return found && found.until > time.now() ? found : undefined;
  }

  return {
    invite(role) {
      const code = newSecret();
      const until = time.now() + LINK_MS;
      links.set(sha256(code), { role, until });
      const [oldest] = links.keys();
      if (links.size > MOST_LINKS) links.delete(oldest!);
      return { code, until };
    },
    signIn(code) {
      const link = links.get(sha256(code));
      links.delete(sha256(code));
      if (!link || link.until <= time.now()) throw linkWrong();
      const cookie = newSecret();
      const session = { hash: sha256(cookie), role: link.role, until: time.now() + SESSION_MS };
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

function linkWrong(): Fault {
  const message = 'this link was used already, is older than five minutes, or is none of this host';
  return new Fault({ code: 'LINK_WRONG', message, next: 'daruma open' });
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
