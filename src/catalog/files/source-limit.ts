import { formatSize } from '../../kernel/units.ts';

/** A plugin's source, and each of its parts, may not be larger. What is larger is data, and belongs in a file that is read. */
export const SOURCE_MOST_BYTES = 1024 ** 2;

/** The sentence for a source that is too large to be one. */
export function tooBig(file: string, size: number): string {
  return `${file} has ${formatSize(size)}; a source may have ${formatSize(SOURCE_MOST_BYTES)}`;
}
