/** A place as a line of a stack tells it. */
export interface StackPlace {
  /** As it stands there: `file:///srv/x.mjs:3:14`. */
  text: string;
  line: number;
  column: number;
}

/**
 * The place of a stack's line that lies in a file; undefined when it lies elsewhere. `names`: what the file may be called
 * there, its URL first. The name is looked for as a whole, because a folder may be called anything, `a:b (2)` too.
 */
export function placeInStack(text: string, names: readonly string[]): StackPlace | undefined {
  for (const name of names) {
    const at = text.indexOf(`${name}:`);
    const found = at < 0 ? null : /^(\d+):(\d+)/.exec(text.slice(at + name.length + 1));
    if (found) return { text: `${name}:${found[0]}`, line: Number(found[1]), column: Number(found[2]) };
  }
  return undefined;
}
