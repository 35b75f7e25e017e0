import { parseSync } from 'vite';

/** One function of a source file. */
export interface FunctionLength {
  /** Its own name, or that of the variable or property that holds it; of a function without one: `(callback)`. */
  name: string;
  /** Lines with code, from its first to its last: blank lines and comments are free. */
  lines: number;
  /** Its value is an object of functions, or a function: a class written as a closure. */
  isFactory: boolean;
}

/** A factory holds the state of what it makes, and the functions on it; every other function does one thing. */
export const LONGEST_FACTORY = 120;
export const LONGEST_FUNCTION = 40;

type Node = { type: string; start: number; end: number } & Record<string, unknown>;

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const NAMED_BY: Record<string, { name: string; value: string }> = {
  VariableDeclarator: { name: 'id', value: 'init' },
  Property: { name: 'key', value: 'value' },
};

/** All functions of a source text, also those in others. Throws for what cannot be parsed. */
export function functionLengths(path: string, text: string): FunctionLength[] {
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  const code = withoutComments(text, comments);
  const found: FunctionLength[] = [];
  visit(program as unknown as Node, undefined, (node, name) => {
    const lines = code
      .slice(node.start, node.end)
      .split('\n')
      .filter((line) => line.trim() !== '').length;
    found.push({ name: name ?? '(callback)', lines, isFactory: isFactory(node, name) });
  });
  return found;
}

/** Whether a function is longer than the law lets it be. */
export function isTooLong({ lines, isFactory: factory }: FunctionLength): boolean {
  return lines > (factory ? LONGEST_FACTORY : LONGEST_FUNCTION);
}

function withoutComments(text: string, comments: readonly { start: number; end: number }[]): string {
  let code = '';
  let at = 0;
  for (const { start, end } of comments) {
    code += text.slice(at, start) + text.slice(start, end).replace(/[^\n]/g, ' ');
    at = end;
  }
  return code + text.slice(at);
}

function visit(node: Node, name: string | undefined, call: (node: Node, name: string | undefined) => void): void {
  const isFunction = FUNCTIONS.has(node.type);
  if (isFunction && node.body) call(node, nameOf(node.id) ?? name);
  const named = NAMED_BY[node.type];
  for (const [key, value] of Object.entries(node)) {
    const inner = named && key === named.value ? nameOf(node[named.name]) : undefined;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) visit(child, inner, call);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  return node.type === 'Identifier' ? String(node.name) : node.type === 'Literal' ? String(node.value) : undefined;
}

function isFactory(node: Node, name: string | undefined): boolean {
  return /^create[A-Z]/.test(name ?? '') || returnsFunctions(node);
}

/** Whether a function returns an object of functions, or a function, by its own statements and not by those of functions in it. */
function returnsFunctions(node: Node): boolean {
  const body = node.body as Node;
  const declared = new Map<string | undefined, Node>();
  const returned: Node[] = [];
  const walk = (at: Node) => {
    if (at.type === 'FunctionDeclaration') declared.set(nameOf(at.id), at);
    if (FUNCTIONS.has(at.type)) return;
    // A pattern has no name of its own: what it takes apart is not what is returned.
    if (at.type === 'VariableDeclarator' && isNode(at.init) && nameOf(at.id)) declared.set(nameOf(at.id), at.init);
    if (at.type === 'ReturnStatement' && isNode(at.argument)) returned.push(at.argument);
    for (const child of childrenOf(at)) walk(child);
  };
  if (body.type === 'BlockStatement') walk(body);
  else returned.push(body);

  const isOfFunctions = (one: Node): boolean => {
    const meant = declared.get(nameOf(one)) ?? one;
    if (FUNCTIONS.has(meant.type)) return true;
    if (meant.type !== 'ObjectExpression') return false;
    return (meant.properties as Node[]).some(
      ({ value }) => isNode(value) && FUNCTIONS.has((declared.get(nameOf(value)) ?? value).type),
    );
  };
  return returned.some(isOfFunctions);
}

function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}
