import { styleText } from 'node:util';

/** Styles of a text on a terminal. */
export type Style = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Colours a text; without colours it returns the text unchanged. Never the only sign of anything. */
export type Paint = (style: Style, text: string) => string;

/** Colours when the stream is a terminal that shows them; NO_COLOR, FORCE_COLOR and TERM are heeded. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  if (!stream.isTTY || !stream.hasColors()) return plain;
  return (style, text) => styleText(style, text, { validateStream: false });
}

/** Returns every text unchanged. */
export const plain: Paint = (_style, text) => text;
