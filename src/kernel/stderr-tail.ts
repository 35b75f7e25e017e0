import type { Readable } from 'node:stream';

/** Keeps the newest characters that a child writes on stderr. The answer says them; a stream that fails says no more. */
export function stderrTail(stream: Readable | null | undefined, kept: number): () => string {
  let tail = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-kept);
  });
  stream?.on('error', () => {});
  return () => tail;
}
