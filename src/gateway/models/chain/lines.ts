import { MB } from '../../../kernel/measures.ts';

/** No line of a stream is longer. */
export const LONGEST_PIECE = 16 * MB;

const LF = 0x0a;
const CR = 0x0d;
const NONE = Buffer.alloc(0);

/** Parts bytes into lines, at LF or CRLF; a sign of several bytes may be split between two reads. */
export interface LineSplitter {
  /** The whole lines, without their ends. `'too long'`: a line of more than {@link LONGEST_PIECE}; nothing is read after it. */
  take(bytes: Buffer): Buffer[] | 'too long';
  /** Whether the last read ended at the end of a line. */
  readonly isAtStart: boolean;
  /** The line without an end. */
  rest(): Buffer;
}

export function createLineSplitter(longest = LONGEST_PIECE): LineSplitter {
  let parts: Buffer[] = [];
  let length = 0;

  function lineTo(end: Buffer): Buffer {
    const line = parts.length === 0 ? end : Buffer.concat([...parts, end]);
    parts = [];
    length = 0;
    return line.at(-1) === CR ? line.subarray(0, -1) : line;
  }

  return {
    take(bytes) {
      const lines: Buffer[] = [];
      let from = 0;
      for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, from)) {
        if (length + at - from > longest) return 'too long';
        lines.push(lineTo(bytes.subarray(from, at)));
        from = at + 1;
      }
      if (from < bytes.length) {
        parts.push(bytes.subarray(from));
        length += bytes.length - from;
      }
      return length > longest ? 'too long' : lines;
    },
    get isAtStart() {
      return length === 0;
    },
    rest: () => lineTo(NONE),
  };
}
