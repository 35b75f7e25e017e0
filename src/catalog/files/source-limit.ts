import { MB } from '../../kernel/measures.ts';
import { formatSize } from '../../kernel/units.ts';

/**
 * The size of a plugin's source, and of each of its parts, at most. Larger files are data, and belong in a file that is
 * read.
 */
const SOURCE_MOST_BYTES = MB;
/** Texts, WebAssembly and other files that a plugin imports or finds beside itself, each and together. */
export const DATA_MOST_BYTES = 16 * MB;

const CODE = /\.(?:[cm]?[jt]s|[jt]sx)$/;

/** Whether a file of this name is compiled, and not only kept. */
export function isCode(file: string): boolean {
  return CODE.test(file);
}

/** The size of a file of the author, at most. */
export function mostBytesOf(file: string): number {
  return isCode(file) || file.endsWith('.json') ? SOURCE_MOST_BYTES : DATA_MOST_BYTES;
}

/** The sentence for a file that is too large to be part of a plugin. */
export function tooBig(file: string, size: number): string {
  const most = formatSize(mostBytesOf(file));
  return `${file} has ${formatSize(size)}; a source may have ${most}`;
}
