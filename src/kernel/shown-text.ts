/** The colours that Daruma itself writes, or a sign that steers a terminal or turns the direction of what follows. */
const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /(\u001b\[(?:0|1|2|22|3[1-69])m)|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** Like {@link STEERING}, colours and line ends included. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/** A text for people with a space in place of each sign that could steer their terminal or turn the order of letters around; colours, line ends and tabs stay. */
export function withoutSteering(text: string): string {
  return text.replace(STEERING, (_, colour: string | undefined) => colour ?? ' ');
}

/** A text of others on one line, without colours: whatever could steer a terminal becomes a space, several a single one. */
export function oneLine(text: string): string {
  return text.replace(CONTROLS, ' ').replace(/ {2,}/g, ' ').trim();
}

/** A text of others that keeps its length and its spaces: a name, a line of code, a cell of a table. */
export function plainLine(text: string): string {
  return text.replace(CONTROLS, (signs) => ' '.repeat(signs.length));
}
