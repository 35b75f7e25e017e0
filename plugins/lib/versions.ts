/** `1.4.0-rc.2+build`: three numbers, and the parts of a pre-release. */
const FORM = /^v?(\d+)\.(\d+)\.(\d+)(?:-([\w.-]+))?(?:\+[\w.-]+)?$/;

/** Below 0 where `a` is older than `b`, by the precedence of Semantic Versioning 2. What is no version is older than all. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [FORM.exec(a), FORM.exec(b)];
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  for (const place of [1, 2, 3]) {
    const difference = Number(left[place]) - Number(right[place]);
    if (difference !== 0) return difference;
  }
  return comparePreReleases(left[4], right[4]);
}

function comparePreReleases(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const [left, right] = [a.split('.'), b.split('.')];
  for (let place = 0; place < Math.min(left.length, right.length); place++) {
    const [one, other] = [left[place]!, right[place]!];
    const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber && Number(one) !== Number(other)) return Number(one) - Number(other);
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    if (one !== other) return one < other ? -1 : 1;
  }
  return left.length - right.length;
}

/** Neither a pre-release nor no version at all. */
export const isStable = (version: string): boolean =>
  FORM.exec(version) !== null && FORM.exec(version)![4] === undefined;

/** The versions that ought to break nothing for each other: `4`, and of versions below 1 `0.3`. */
export function lineOf(version: string): string {
  const [, major = '', minor = ''] = FORM.exec(version) ?? [];
  return major === '0' ? `0.${minor}` : major;
}

/** Whether a range of the form of advisories holds the version: `>=1.0.0 <1.4.2 || =2.0.0`. `*` holds all. */
export function matchesRange(version: string, range: string): boolean {
  return range.split('||').some((part) => {
    const bounds = [...part.matchAll(/(<=|>=|<|>|=)?\s*(v?\d[\w.+-]*|\*)/g)];
    return bounds.length > 0 && bounds.every(([, sign = '=', bound]) => isWithin(version, sign, bound!));
  });
}

function isWithin(version: string, sign: string, bound: string): boolean {
  if (bound === '*') return true;
  const difference = compareVersions(version, bound);
  if (sign === '<') return difference < 0;
  if (sign === '<=') return difference <= 0;
  if (sign === '>') return difference > 0;
  return sign === '>=' ? difference >= 0 : difference === 0;
}
