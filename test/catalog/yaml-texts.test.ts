import { expect, it } from 'vitest';
import { placesIn, readYaml } from '../../src/catalog/files/yaml-place.ts';
import { HANGS_MS } from '../hangs.ts';

/** Each line is ten of the line before: 10 billion values. */
const BOMB = Array.from({ length: 10 }, (_, n) => {
  const ten = Array.from({ length: 10 }, () => (n === 0 ? 'x' : `*a${n - 1}`));
  return `k${n}: &a${n} [${ten.join(', ')}]\n`;
}).join('');
const read = (text: string) => readYaml(text, 'agents/x.yaml');

it.each([
  ['a map that holds itself', '&all\nplugin: tick\nsettings: *all\n', 3, '*all stands inside of what it names'],
  ['a list that holds itself', 'settings:\n  a: &a [1, { b: *a }]\n', 2, '*a stands inside of what it names'],
  ['keys that are maps', 'a: 1\n? { b: 1 }\n: 2\n', 2, 'a key that is no text'],
  ['a key that is an alias', 'a: &a x\n*a : 2\n', 2, 'a key that is no text'],
  ['a key that stands there twice', 'a: 1\nb: { c: 1, c: 2 }\n', 2, 'the same key stands here twice'],
  ['a second document', 'a: 1\n---\na: 2\n', 2, 'a second document begins here'],
  ['a bomb of aliases', BOMB, 1, 'stand for too many values'],
  ['a __proto__ below', 'a: 1\nb: { __proto__: {} }\n', 2, '__proto__ means something'],
])('%s is refused with its place', (_, text, line, words) => {
  const { fault, value } = read(text);
  expect(value).toBeUndefined();
  expect(fault).toMatchObject({ code: 'YAML_SYNTAX', file: 'agents/x.yaml', line });
  expect(fault!.message).toContain(words);
  expect(fault!.next).toBeTruthy();
});

it.each([
  ['maps in keys', '? '.repeat(500), 'a key that is no text'],
  ['lists', `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'nested too deeply'],
  ['lists by lines', `a:\n${'- '.repeat(20_000)}x`, 'nested too deeply'],
  ['open maps', `a: ${'{b: '.repeat(20_000)}`, 'nested too deeply'],
])('%s one in the other are refused within some seconds, however deep', { timeout: HANGS_MS }, (_, text, words) => {
  const { fault } = read(text);
  expect(fault!.message).toContain(words);
  expect(fault!.next).toBeTruthy();
});

it('many keys are read in one go, and found again', { timeout: HANGS_MS }, () => {
  const text = Array.from({ length: 20_000 }, (_, n) => `k${n}: 1\n`).join('');
  expect(Object.keys(read(text).value as object)).toHaveLength(20_000);
  expect(placesIn(text)(['k19999'], 'key')).toEqual({ line: 20_000, column: 1 });
});

it('a text that no person writes is refused by its length alone', () => {
  expect(read(`a: ${'x'.repeat(262_141)}`).fault).toBeUndefined();
  expect(read(`a: ${'x'.repeat(262_142)}`).fault).toMatchObject({
    message: 'the file has 262145 characters, and 262144 may be',
    line: 1,
  });
});

it('what YAML lets people write twice or by name is read as before', () => {
  const text = 'base: &base { a: 1 }\none: *base\ntwo: *base\n1: x\n"1.0": y\nnull: z\n';
  expect(read(text).value).toEqual({ base: { a: 1 }, one: { a: 1 }, two: { a: 1 }, 1: 'x', '1.0': 'y', '': 'z' });
});
