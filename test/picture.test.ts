import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const picture = readFileSync(join(import.meta.dirname, '../docs/images/how-it-works.svg'), 'utf8');

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The width of a letter, in em, and of `m` and `w`: those of DejaVu Sans, the widest of the fonts that systems fall back to. Chromium
 * measured no text of the picture wider in it.
 */
const WIDEST = { plain: 0.63, bold: 0.7, m: 1.1 };
/** Between a text and the edge of its box, in pixels. */
const MARGIN = 3;

const attribute = (tag: string, name: string) => Number(new RegExp(` ${name}="([\\d.-]+)"`).exec(tag)?.[1]);
const boxes = [...picture.matchAll(/<rect [^>]*>/g)].map(([tag]) => ({
  x: attribute(tag, 'x'),
  y: attribute(tag, 'y'),
  width: attribute(tag, 'width'),
  height: attribute(tag, 'height'),
}));
const texts = [...picture.matchAll(/<text ([^>]*)>([^<]*)</g)].map(([tag, , words]) => {
  const kind = /class="(\w+)"/.exec(tag)![1]!;
  const size = kind === 'name' ? 13 : 11;
  const wide = words!.match(/[mwMW]/g)?.length ?? 0;
  const letter = kind === 'name' ? WIDEST.bold : WIDEST.plain;
  const width = size * ((words!.length - wide) * letter + wide * WIDEST.m);
  const x = attribute(tag, 'x') - (kind === 'title' ? 0 : width / 2);
  return { words: words!, x, y: attribute(tag, 'y') - size, width, height: size * 1.3 };
});

const isInside = (inner: Box, outer: Box) =>
  inner.x - MARGIN >= outer.x &&
  inner.y - MARGIN / 3 >= outer.y &&
  inner.x + inner.width + MARGIN <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;
const middle = ({ x, y, width, height }: Box): Box => ({ x: x + width / 2, y: y + height / 2, width: 0, height: 0 });
const areCrossing = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

it('no text of the picture crosses the box that it stands in, not even in the widest font', () => {
  const crossing = texts.filter((text) => {
    const around = boxes
      .filter((box) => isInside(middle(text), box))
      .sort((a, b) => a.width * a.height - b.width * b.height);
    return !isInside(text, around[0]!);
  });
  expect(texts.length).toBeGreaterThan(25);
  expect(crossing.map(({ words }) => words)).toEqual([]);
});

it('no text of the picture lies on another one, nor on a box that it does not stand in', () => {
  const onOthers = texts.filter((text, n) => texts.some((other, m) => m > n && areCrossing(text, other)));
  const onBoxes = texts.filter((text) => boxes.some((box) => areCrossing(text, box) && !isInside(text, box)));
  expect([...onOthers, ...onBoxes].map(({ words }) => words)).toEqual([]);
});

it('the picture has all that does the work, and is readable in the dark', () => {
  const words = texts.map((text) => text.words).join(' ');
  for (const part of ['guardian', 'catalog', 'builder', 'schedule', 'jobs', 'store', 'healing', 'reports', 'gateway'])
    expect(words).toContain(part);
  for (const part of ['web process', 'exec broker', 'cell', 'worker thread']) expect(words).toContain(part);
  expect(picture).toContain('prefers-color-scheme: dark');
});
