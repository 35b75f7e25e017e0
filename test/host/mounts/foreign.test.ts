import fc from 'fast-check';
import { expect, it } from 'vitest';
import { foreignMountOf } from '../../../src/host/mounts/foreign.ts';
import { mountOf } from '../../../src/kernel/mounts.ts';

const mount = (point: string, device: string, type = 'ext4') => ({ point, device, type });
const MOUNTS = [
  mount('/', '1:0'),
  mount('/tmp', '0:9', 'tmpfs'),
  mount('/mnt/nas', '0:27', 'nfs4'),
  mount('/srv', '1:0'),
];

/** Links by their paths; each look at one is noted. */
function world(links: Record<string, string> = {}) {
  const looks: string[] = [];
  const pointOf = (path: string) =>
    foreignMountOf(path, {
      mounts: MOUNTS,
      own: new Set(['1:0']),
      target(at) {
        looks.push(at);
        return links[at];
      },
    })?.point;
  return { looks, pointOf };
}

it('finds a path on another device, and not one on a device of the host or in memory', () => {
  const { pointOf } = world();
  expect(pointOf('/mnt/nas/a/b')).toBe('/mnt/nas');
  expect(pointOf('/mnt/nas')).toBe('/mnt/nas');
  for (const path of ['/', '/mnt', '/mnt/nasty', '/srv/a', '/tmp/a', '/mnt/other/../x'])
    expect(pointOf(path)).toBeUndefined();
  // The way to the folder above leads through the mount.
  expect(pointOf('/mnt/nas/../a')).toBe('/mnt/nas');
});

it('follows links, relative ones and chains of them, and ends where they turn in a circle', () => {
  const { pointOf } = world({
    '/home/x': '/mnt/nas/x',
    '/home/up': '../mnt/nas',
    '/a': 'b',
    '/b': '/home/x',
    '/c': '/c',
  });
  expect(pointOf('/home/x/deep')).toBe('/mnt/nas');
  expect(pointOf('/home/up')).toBe('/mnt/nas');
  expect(pointOf('/a/b')).toBe('/mnt/nas');
  expect(pointOf('/c/d')).toBeUndefined();
});

it('never looks at a path of another device', () => {
  const name = fc.constantFrom('mnt', 'nas', 'a', 'b', '..', 'srv', 'tmp');
  const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((names) => `/${names.join('/')}`);
  fc.assert(
    fc.property(path, fc.dictionary(path, path), (asked, links) => {
      const { looks, pointOf } = world(links);
      pointOf(asked);
      expect(looks.filter((at) => mountOf(at, MOUNTS)?.type === 'nfs4')).toEqual([]);
    }),
  );
});
