import { createHash, timingSafeEqual } from 'node:crypto';

/** The SHA-256 of a text (as UTF-8) or of bytes: 64 hexadecimal digits. */
export function sha256(of: string | Uint8Array): string {
  return createHash('sha256').update(of).digest('hex');
}

/** Compares two secrets. The time that a comparison takes says nothing about either of them, not even a length. */
export function isSameSecret(one: string, other: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}
