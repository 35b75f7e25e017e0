/** The output of a command, of which the first and the last half of `maxBytes` are kept. */
interface BoundedOutput {
  add(chunk: Buffer): void;
  text(): string;
  isCut(): boolean;
}

export function createBoundedOutput(maxBytes: number): BoundedOutput {
  const headBytes = Math.ceil(maxBytes / 2);
  const tailBytes = maxBytes - headBytes;
  const head: Buffer[] = [];
  let tail: Buffer[] = [];
  let inHead = 0;
  let inTail = 0;
  let total = 0;

  /** Chunks that the tail can do without. */
  function drop() {
    let count = 0;
    while (count < tail.length && inTail - tail[count]!.length >= tailBytes) inTail -= tail[count++]!.length;
    if (count > 0) tail = tail.slice(count);
  }

  return {
    add(chunk) {
      total += chunk.length;
      const first = chunk.subarray(0, headBytes - inHead);
      if (first.length > 0) head.push(first);
      inHead += first.length;
      const rest = chunk.subarray(first.length);
      if (rest.length === 0) return;
      // A copy: a small rest must not hold the buffer that it was read into.
      tail.push(rest.length * 4 < chunk.buffer.byteLength ? Buffer.from(rest) : rest);
      inTail += rest.length;
      drop();
    },
    isCut: () => total > maxBytes,
    text() {
      const kept = Buffer.concat(tail);
      if (total <= maxBytes) return Buffer.concat([...head, kept]).toString('utf8');
      const last = kept.subarray(kept.length - tailBytes);
      return `${wholeEnd(Buffer.concat(head))}\n… ${total - maxBytes} bytes left out …\n${wholeStart(last)}`;
    },
  };
}

/** The text of bytes that may end within a character, without that character. */
function wholeEnd(bytes: Buffer): string {
  let end = bytes.length;
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > back) end = bytes.length - back;
    break;
  }
  return bytes.toString('utf8', 0, end);
}

/** The text of bytes that may begin within a character, without that character. */
function wholeStart(bytes: Buffer): string {
  let start = 0;
  while (start < 3 && start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start++;
  return bytes.toString('utf8', start);
}
