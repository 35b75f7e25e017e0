/** The topics that a plugin's own source emits, as far as its text shows. */
export interface Emits {
  /** Topics that the source names as plain text. */
  topics: string[];
  /** Texts with a gap, as pieces: `order.${kind}` is `['order.', '']`. */
  pieces: string[][];
  /** True for an emit whose topic is only known when it runs, or that is handed on: any topic may be emitted. */
  any: boolean;
}

const LITERAL = /\bemit\s*(?:<[^>()]*>)?\s*\(\s*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|`([^`\\]*)`)\s*[,)]/g;
/** `{ emit, state }`: taken out of the context, to be called elsewhere. */
const TAKEN = /(?<=[{,]\s*)emit(?=\s*[,}])/g;

/** Reads the sources of one plugin. An emit that is not understood may be of any topic. Pure. */
export function emitsIn(texts: Iterable<string>): Emits {
  const topics = new Set<string>();
  const pieces: string[][] = [];
  let any = false;
  for (const text of texts) {
    const rest = text
      .replace(LITERAL, (_, single?: string, double?: string, template?: string) => {
        const topic = single ?? double ?? template!;
        if (template?.includes('${')) pieces.push(topic.split(/\$\{[^}]*\}/));
        else topics.add(topic);
        return '';
      })
      .replace(TAKEN, '');
    if (/\bemit\b/.test(rest)) any = true;
  }
  return { topics: [...topics].sort(), pieces, any };
}

/** Whether a topic may be among the emitted topics. */
export function mayEmit({ topics, pieces, any }: Emits, topic: string): boolean {
  return any || topics.includes(topic) || pieces.some((parts) => fits(parts, topic));
}

function fits(parts: readonly string[], topic: string): boolean {
  let from = 0;
  for (const part of parts) {
    const at = topic.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return topic.startsWith(parts[0]!) && topic.endsWith(parts.at(-1)!);
}
