import type { Random } from './random.ts';

/** Values that no message has at most of its places. All but the last few are those of JSON. */
const ODD: readonly unknown[] = [
  ...[null, true, '', 'constructor', '__proto__', '{bad', '[1]', '"text"', '5', 'done', 'x'.repeat(300_000)],
  ...[0, -1, 0.5, 1e300, -1e15, 2 ** 31, 2 ** 53, 253_402_128_000_001],
  ...[[], {}, [null], { say: 'done' }, Array.from({ length: 5_000 }, () => null), nested(2_000)],
];
const ODD_BEYOND_JSON: readonly unknown[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  undefined,
  5n,
  new Map(),
  new Date(0),
];

/** A copy of a message that one to three changes were made to, anywhere in it. `beyondJson`: the hop carries such values. */
export function mutateMessage(message: unknown, random: Random, beyondJson = false): unknown {
  let mutant = structuredClone(message);
  const odd = beyondJson ? [...ODD, ...ODD_BEYOND_JSON] : ODD;
  for (let left = random.between(1, 3); left > 0; left--) mutant = changed(mutant, random, odd);
  return mutant;
}

/** A copy of bytes in which some are others, are missing, or are there twice. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  const at = random.between(0, bytes.length - 1);
  const end = Math.min(bytes.length, at + random.between(1, 8));
  switch (random.pick({ other: 4, missing: 1, twice: 1, shorter: 1 })) {
    case 'other': {
      const copy = Buffer.from(bytes);
      for (let i = at; i < end; i++) copy[i] = random.between(0, 255);
      return copy;
    }
    case 'missing':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 'twice':
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 'shorter':
      return bytes.subarray(0, at);
  }
}

function changed(value: unknown, random: Random, odd: readonly unknown[]): unknown {
  const isOpen = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  if (!isOpen || random.between(1, 8) === 1) return structuredClone(odd[random.between(0, odd.length - 1)]);
  const parts = value as Record<string, unknown>;
  const names = Object.keys(parts);
  const name = names[random.between(0, names.length - 1)]!;
  const what = random.pick({ deeper: 6, missing: 1, more: 1 });
  if (what === 'deeper') parts[name] = changed(parts[name], random, odd);
  else if (what === 'more') parts[`${name}s`] = parts[name];
  else if (Array.isArray(value)) value.splice(Number(name), 1);
  else delete parts[name];
  return value;
}

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
