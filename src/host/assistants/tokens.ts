import { randomBytes } from 'node:crypto';
import type { WebAssistant } from '../../control/web-channel.ts';
import { Fault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import type { OpTable } from '../api/handlers.ts';
import { readKeptList, writeKeptList } from '../kept-list.ts';

/** Assistants that may ask over HTTP. A file of mode 0600 keeps the hashes of their tokens, never a token. */
export interface AssistantTokens {
  /** The assistant of a token, while the token is good. */
  of(token: string): WebAssistant | undefined;
  /** Assistants whose tokens are good, by name. */
  list(): WebAssistant[];
  ops: Pick<OpTable, 'assistants' | 'assistantAllow' | 'assistantRevoke'>;
}

interface AssistantTokensNeeds {
  time: Time;
  /** The file that keeps the hashes. */
  file: string;
  /** The address of the page; null: there is none. */
  url(): string | null;
  /** Called when a token was made, or is good no more. */
  changed(): void;
}

const MOST_ASSISTANTS = 100;

interface KeptAssistant extends WebAssistant {
  /** Epoch ms. */
  madeAt: number;
}

export function createAssistantTokens({ time, file, url, changed }: AssistantTokensNeeds): AssistantTokens {
  let kept = readKeptList(file, 'assistants', isKept);

  /** The file is written first: a token that was not kept is never shown. */
  function keep(next: KeptAssistant[]) {
    const good = next.filter(isGood).sort((a, b) => (a.name < b.name ? -1 : 1));
    writeKeptList(file, 'assistants', good);
    kept = good;
    changed();
  }

  function isGood({ until }: WebAssistant): boolean {
    return until > time.now();
  }

  function assistantAllow({ name, write, forMs }: { name: string; write: boolean; forMs: number }) {
    const others = kept.filter((one) => one.name !== name && isGood(one));
    if (others.length >= MOST_ASSISTANTS) throw tooMany();
    const token = `dmcp_${randomBytes(32).toString('base64url')}`;
    const madeAt = time.now();
    const role = write ? ('operator' as const) : ('reader' as const);
    const until = madeAt + forMs;
    keep([...others, { name, role, hash: sha256(token), madeAt, until }]);
    const page = url();
    return { name, role, token, until: isoOf(until), url: page === null ? null : `${page}/mcp` };
  }

  return {
    of: (token) => kept.find((one) => one.hash === sha256(token) && isGood(one)),
    list: () => kept.filter(isGood),
    ops: {
      assistants: async () =>
        kept
          .filter(isGood)
          .map(({ name, role, madeAt, until }) => ({ name, role, madeAt: isoOf(madeAt), until: isoOf(until) })),
      assistantAllow: async (args) => assistantAllow(args),
      async assistantRevoke({ name }) {
        const revoked = kept.some((one) => one.name === name && isGood(one));
        if (revoked) keep(kept.filter((one) => one.name !== name));
        return { name, revoked };
      },
    },
  };
}

function tooMany(): Fault {
  const message = `${MOST_ASSISTANTS} assistants have tokens, and more are too many to know`;
  return new Fault({ code: 'ASSISTANTS_FULL', message, next: 'daruma mcp list, then revoke some' });
}

function isKept(said: unknown): said is KeptAssistant {
  const { hash, name, role, madeAt, until } = (said ?? {}) as Partial<KeptAssistant>;
  return (
    typeof hash === 'string' &&
    /^[0-9a-f]{64}$/.test(hash) &&
    typeof name === 'string' &&
    (role === 'reader' || role === 'operator') &&
    Number.isSafeInteger(madeAt) &&
    Number.isSafeInteger(until)
  );
}
