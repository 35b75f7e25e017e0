import { parseSync } from 'vite';
import type { Mutation } from './mutation.ts';

/** The text of the file with the guard broken, or how often its code stands there, where that is not once. */
export function mutated({ file, within, code, instead }: Place, text: string): string | number {
  const pattern = new RegExp(code.trim().split(/\s+/).map(escaped).join('\\s+'), 'g');
  const parts = within === undefined ? [{ start: 0, end: text.length }] : declarationsOf(file, text, within);
  const places = new Map<number, number>();
  for (const { start, end } of parts) {
    for (const match of text.slice(start, end).matchAll(pattern)) places.set(start + match.index, match[0].length);
  }
  const [found] = places;
  if (!found || places.size > 1) return places.size;
  return text.slice(0, found[0]) + instead + text.slice(found[0] + found[1]);
}

type Place = Pick<Mutation, 'file' | 'within' | 'code' | 'instead'>;

interface Span {
  start: number;
  end: number;
}

/** Every declaration of that name in the file, wherever it stands. */
function declarationsOf(file: string, text: string, name: string): Span[] {
  const found: Span[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    // A list has members, too, and none of a declaration's.
    const { type, id, key, start, end } = node as Node;
    const called = DECLARATIONS.has(type ?? '') ? (id ?? key) : undefined;
    if (called?.type === 'Identifier' && called.name === name) found.push({ start: start!, end: end! });
    Object.values(node).forEach(visit);
  };
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]!.message}`);
  visit(program);
  return found;
}

const DECLARATIONS: ReadonlySet<string> = new Set([
  'FunctionDeclaration',
  'ClassDeclaration',
  'VariableDeclarator',
  'MethodDefinition',
  'PropertyDefinition',
  'Property',
]);

interface Node {
  type?: string;
  name?: string;
  id?: Node | null;
  key?: Node;
  start?: number;
  end?: number;
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
