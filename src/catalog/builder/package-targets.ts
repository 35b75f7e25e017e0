/** What of a package.json is looked at. */
export interface PackageSays {
  name?: unknown;
  main?: unknown;
  module?: unknown;
  exports?: unknown;
  imports?: unknown;
}

/** The files that may be meant by the package as a whole, relative to it, where it has no exports. */
export function mainsOf({ main, module }: PackageSays): string[] {
  return [main, module].filter((one) => typeof one === 'string');
}

/**
 * The files that `exports` or `imports` may make of a subpath (`.`, `./sub`, `#inner`), relative to the package: those of
 * every condition, for nobody needs to know here which one holds.
 */
export function targetsIn(field: unknown, subpath: string): string[] {
  if (typeof field !== 'object' || field === null) return subpath === '.' ? leavesOf(field) : [];
  const keys = Object.keys(field);
  if (Array.isArray(field) || !keys.some((key) => /^[.#]/.test(key))) return subpath === '.' ? leavesOf(field) : [];
  return keys.flatMap((key) => {
    const rest = matched(key, subpath);
    const targets = rest === undefined ? [] : leavesOf((field as Record<string, unknown>)[key]);
    return targets.map((target) => target.replaceAll('*', () => rest!));
  });
}

/** What the star of a pattern stands for; '' where there is none; undefined when it does not match. */
function matched(pattern: string, text: string): string | undefined {
  const [before, after] = pattern.split('*');
  if (after === undefined) return pattern === text ? '' : undefined;
  const fits = text.length >= pattern.length - 1 && text.startsWith(before!) && text.endsWith(after);
  return fits ? text.slice(before!.length, text.length - after.length) : undefined;
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return value.startsWith('./') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(leavesOf);
}
