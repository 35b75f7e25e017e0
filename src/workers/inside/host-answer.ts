import type { Time } from '../../kernel/time.ts';

/** After this time without an answer of the host a call goes out unchanged, and a connection is opened all the same. */
const WITHIN_MS = 1_000;

/** The answer of the host; undefined when the host fails to answer, or answers too late. */
export async function hostAnswer<T>(time: Pick<Time, 'after'>, answer: Promise<unknown>): Promise<T | undefined> {
  let cancel = () => {};
  const late = new Promise<undefined>((resolve) => {
    cancel = time.after(WITHIN_MS, () => resolve(undefined));
  });
  try {
    return await Promise.race([answer.catch(() => undefined) as Promise<T | undefined>, late]);
  } finally {
    cancel();
  }
}
