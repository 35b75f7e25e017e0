import { MB } from '../../kernel/measures.ts';
import { formatSize } from '../../kernel/units.ts';

/** A plugin's source, and each of its parts, may not be larger. What is larger is data, and belongs in a file that is read. */
const SOURCE_MOST_BYTES = MB;
/** Texts, WebAssembly and other files that a plugin imports or finds beside itself, each and together. */
export const DATA_MOST_BYTES = 16 * MB;

const CODE = /\.(?:[cm]?[jt]s|[jt]sx)$/;

/** Whether a file of this name is compiled, and not only kept. */
export function isCode(file: string): boolean {
  return CODE.test(file);
}

/** How large a file of the author may be. */
export function mostBytesOf(file: string): number {
  return isCode(file) || file.endsWith('.json') ? SOURCE_MOST_BYTES : DATA_MOST_BYTES;
}

/** The sentence for a file that is too large to be part of a plugin. */
export function tooBig(file: string, size: number): string {
  const most = formatSize(mostBytesOf(file));
  return `${file} has ${formatSize(size)}; a source may have ${most}`;
}
