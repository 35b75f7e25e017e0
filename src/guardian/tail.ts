/** The end of a long text. */
interface Tail {
  add(piece: Buffer): void;
  text(): string;
}

/** Keeps the last `most` bytes of what is added, from the beginning of a line where there is one. */
export function createTail(most: number): Tail {
  let pieces: Buffer[] = [];
  let size = 0;
  let cut = false;
  return {
    add(piece) {
      pieces.push(piece);
      size += piece.length;
      if (size <= 2 * most) return;
      pieces = [Buffer.concat(pieces).subarray(-most)];
      size = most;
      cut = true;
    },
    text() {
      const whole = Buffer.concat(pieces);
      if (!cut && whole.length <= most) return whole.toString('utf8');
      const end = whole.subarray(-most);
      // Half a line, or half a letter, says less than none.
      const from = end.indexOf(10) + 1;
      return end.subarray(from === end.length ? 0 : from).toString('utf8');
    },
  };
}
