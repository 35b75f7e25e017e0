/**
 * Methods of JavaScript's own objects, taken when this module is loaded: before any plugin, which may put others in their
 * place. Code that decides over rights calls these functions, walks through lists by index, and looks names up in objects
 * without a prototype.
 */
export const { apply, construct } = Reflect;
export const { create, defineProperty, getPrototypeOf } = Object;
export const { isArray } = Array;
export const toText = String;
export const toNumber = Number;

/** The method as a function that takes its object first. */
function uncurried<Args extends unknown[], Result>(
  method: (...args: Args) => Result,
): (on: unknown, ...args: Args) => Result {
  return (on, ...args) => apply(method, on, args) as Result;
}

export const startsWith = uncurried(String.prototype.startsWith);
export const endsWith = uncurried(String.prototype.endsWith);
export const sliceText = uncurried(String.prototype.slice);
export const toLowerCase = uncurried(String.prototype.toLowerCase);

/** An object for names that have to be looked up: nothing is in it but what was put there. */
export function namesOf(list: readonly string[]): Record<string, true | undefined> {
  const names = create(null) as Record<string, true | undefined>;
  for (let at = 0; at < list.length; at++) names[list[at]!] = true;
  return names;
}

/** A copy of what can be enumerated, each property read once; without a prototype. */
export function plainCopy(of: object): Record<string, unknown> {
  const copy = create(null) as Record<string, unknown>;
  for (const name in of) copy[name] = (of as Record<string, unknown>)[name];
  return copy;
}
