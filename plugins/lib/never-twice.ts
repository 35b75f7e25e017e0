import { type Context, RetryLater } from 'daruma';
import { msOf } from './units.ts';

/** An end of a request after which nobody knows whether the post is there: no answer, a broken connection, a failed server. */
export class Unclear extends Error {
  override readonly name = 'Unclear';
}

/** The tries to send; each of them is an effect of its own. More than one needs an unclear end before it. */
const MOST_TURNS = 20;
/** To look, or at the clock, twice is harmless. */
const AGAIN = { ifUnknown: 'repeat' } as const;

interface SendOnce<Sent> {
  once: Context['once'];
  log: Context['log'];
  /** Throws {@link Unclear} where the post may have arrived, and anything else where it has not. `turn` is 1 as long as no end was unclear. */
  send(turn: number): Promise<Sent>;
  /** The way out of an unclear end. */
  unclear: Way<Sent>;
}

/**
 * `lookUp`: the post among one's own last ones, null when it is not there; asked again until `settle` is over, for a network may show a post late.
 * `repeat`: the network knows the post by a key, or twice is harmless. `skip`: twice would be worse than not at all.
 */
export type Way<Sent> =
  | { is: 'lookUp'; lookUp(): Promise<Sent | null>; settle: string }
  | { is: 'repeat' }
  | { is: 'skip' };

/**
 * Sends a post in one job, however often the job is tried: what was sent, or null when that stayed unknown and `skip` says that it is not repeated.
 * An unclear end is kept like any other result, so that the next attempt knows of it.
 */
export async function sendOnce<Sent>({ once, log, send, unclear: way }: SendOnce<Sent>): Promise<Sent | null> {
  for (let turn = 1; turn <= MOST_TURNS; turn++) {
    const end = await tried(turn);
    if (end.is === 'sent') return end.sent;
    if (way.is === 'skip') {
      log.warn('it is not known whether the post arrived, and it is not sent again', { why: end.why });
      return null;
    }
    // The pause between two attempts comes first: the network may still be at work.
    if (end.isFresh) throw new Error(`not known whether it was posted: ${end.why}`);
    if (way.is === 'lookUp') {
      const found = await once(`looked:${turn}`, () => foundBy(way, turn), AGAIN);
      if (found !== null) return found as Sent;
    }
  }
  throw new Error(`the post was tried ${MOST_TURNS} times, and each end was unclear`);

  type End = { is: 'sent'; sent: Sent } | { is: 'unclear'; why: string };
  async function tried(turn: number): Promise<End & { isFresh: boolean }> {
    let isFresh = false;
    const effect = async (): Promise<End> => {
      try {
        return { is: 'sent', sent: await send(turn) };
      } catch (error) {
        if (!(error instanceof Unclear)) throw error;
        isFresh = true;
        return { is: 'unclear', why: error.message };
      }
    };
    try {
      return { ...(await once(`send:${turn}`, effect)), isFresh };
    } catch (error) {
      if ((error as Error).name !== 'EffectUnknown') throw error;
      return { is: 'unclear', why: 'an earlier attempt was cut off while it was posting', isFresh: false };
    }
  }

  async function foundBy({ lookUp, settle }: Extract<Way<Sent>, { is: 'lookUp' }>, turn: number): Promise<Sent | null> {
    const found = await lookUp();
    if (found !== null) return found;
    const left = (await once(`unclear:${turn}`, Date.now, AGAIN)) + msOf(settle) - Date.now();
    if (left > 0) throw new RetryLater('looks once more whether it was posted', { after: `${left}ms` });
    return null;
  }
}

/** A post of one's own, as a network lists it. */
export interface OwnPost {
  id: string;
  text: string;
  /** Epoch ms; of less precision in some networks. */
  at: number;
}

/** Posts that are remembered as those of other jobs. */
const MOST_CLAIMED = 100;
const CLAIMED = 'posted';

/** The posts of the agent by the job that sent them, so that two jobs with one text never take one post for both. */
export function createClaims({ state, job }: Pick<Context, 'state' | 'job'>) {
  const read = async () => (await state.get<[id: string, job: string][]>(CLAIMED)) ?? [];
  return {
    async claim(id: string): Promise<void> {
      const others = (await read()).filter(([claimed]) => claimed !== id);
      await state.set(CLAIMED, [...others, [id, job.id]].slice(-MOST_CLAIMED));
    },
    /** The oldest post with the text that is not older than `since` and no other job's. */
    async find(posts: OwnPost[], { text, since }: { text: string; since: number }): Promise<OwnPost | null> {
      const claimed = new Map(await read());
      const fits = (post: OwnPost) =>
        post.at >= since && sameText(post.text, text) && (claimed.get(post.id) ?? job.id) === job.id;
      return posts.filter(fits).sort((a, b) => a.at - b.at)[0] ?? null;
    },
  };
}

/** Letters and digits: networks change spaces, signs and markup of what they show. */
function sameText(one: string, other: string): boolean {
  const plain = (text: string) => text.normalize('NFKC').replace(/[^\p{L}\p{N}]+/gu, '') || text.trim();
  return plain(one) === plain(other);
}
