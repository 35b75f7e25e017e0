/** A place in bytes. A place behind the end says that bytes were missing. */
export interface ByteReader {
  bytes: Uint8Array;
  at: number;
}

/** Writes a number of 0 … 2^53 − 1: seven bits a byte, the lowest first. */
export function putWhole(bytes: number[], value: number): void {
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  bytes.push(left);
}

/** Reads such a number; bytes that are missing are zeros. */
export function readWhole(reader: ByteReader): number {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = reader.bytes[reader.at++] ?? 0;
    value += (byte % 128) * factor;
    if (byte < 128) return value;
  }
}
