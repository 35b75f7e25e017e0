import fc from 'fast-check';
import { expect, it } from 'vitest';
import { foreignPlace, readMounts } from '../../src/kernel/mounts.ts';

const TEXT = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
25 22 0:23 / /proc rw,nosuid - proc proc rw
26 22 0:9 / /tmp rw - tmpfs tmpfs rw
31 22 0:27 / /mnt/nas rw,relatime shared:9 - nfs4 nas:/export rw,vers=4.2
40 31 0:31 / /mnt/nas/a\\040b\\134c rw - fuse.sshfs host:/ rw
41 22 0:28 / /mnt/other rw - cifs //x/y rw
42 22 7:0 / /mnt/other rw - ext4 /dev/loop0 rw
43 22 254:0 /srv /srv rw - ext4 /dev/vda rw
44 22 8:1 / /home rw - ext4 /dev/sda1 rw
`;

/** Links by their paths; each look at one is noted. */
function world(links: Record<string, string> = {}, folder = '/home/daruma') {
  const looks: string[] = [];
  const table = readMounts(folder, TEXT);
  const placeOf = (path: string) => {
    const found = foreignPlace(path, table, (at) => {
      looks.push(at);
      return links[at];
    });
    return found && [found.mount.point, found.mount.type, found.path];
  };
  return { looks, placeOf };
}

it('finds a path on another device by the deepest mount, and of two at one folder by the one that covers the other', () => {
  const { placeOf } = world();
  expect(placeOf('/mnt/nas')).toEqual(['/mnt/nas', 'nfs4', '/mnt/nas']);
  expect(placeOf('/mnt/nas/a/b')).toEqual(['/mnt/nas', 'nfs4', '/mnt/nas/a/b']);
  expect(placeOf('/mnt/other/x')).toEqual(['/mnt/other', 'ext4', '/mnt/other/x']);
  // The way to a folder below leads through the mount above.
  expect(placeOf('/mnt/nas/a b\\c/d')).toEqual(['/mnt/nas', 'nfs4', '/mnt/nas/a b\\c/d']);
});

it('leaves out the devices of the host, those in memory, and names that only begin like a mount', () => {
  const { placeOf } = world();
  for (const path of ['/', '/mnt', '/mnt/nasty', '/srv/a', '/tmp/a', '/proc/1', '/home/other', '/mnt/x/../y'])
    expect(placeOf(path)).toBeUndefined();
  expect(world({}, '/var/daruma').placeOf('/home/other')).toEqual(['/home', 'ext4', '/home/other']);
  const volume = `${TEXT}50 22 8:2 / /home/daruma/data rw - ext4 /dev/sdb1 rw\n`;
  expect(foreignPlace('/home/daruma/data/out', readMounts('/home/daruma', volume), () => undefined)).toBeUndefined();
  expect(foreignPlace('/home/daruma/data/out', readMounts('/home/x', volume), () => undefined)?.mount.device).toBe(
    '8:2',
  );
  expect(foreignPlace('/mnt/nas', readMounts('/', ''), () => undefined)).toBeUndefined();
});

it('reads names that hold spaces and backslashes', () => {
  const table = readMounts('/x', '22 1 254:0 / / rw - ext4 a rw\n40 31 0:31 / /a\\040b\\134c rw - fuse.sshfs h:/ rw\n');
  expect(foreignPlace('/a b\\c/d', table, () => undefined)?.mount.point).toBe('/a b\\c');
});

it('follows links, relative ones and chains of them, and ends where they turn in a circle', () => {
  const { placeOf } = world({
    '/home/x': '/mnt/nas/x',
    '/home/up': '../mnt/nas',
    '/a': 'b',
    '/b': '/home/x',
    '/c': '/c',
  });
  expect(placeOf('/home/x/deep')).toEqual(['/mnt/nas', 'nfs4', '/mnt/nas/x/deep']);
  expect(placeOf('/home/up')).toEqual(['/mnt/nas', 'nfs4', '/mnt/nas']);
  expect(placeOf('/a/b')).toEqual(['/mnt/nas', 'nfs4', '/mnt/nas/x/b']);
  expect(placeOf('/c/d')).toBeUndefined();
});

it('never looks at a path of another device', () => {
  const name = fc.constantFrom('mnt', 'nas', 'other', 'a', 'b', '..', 'srv', 'tmp');
  const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((names) => `/${names.join('/')}`);
  fc.assert(
    fc.property(path, fc.dictionary(path, path), (asked, links) => {
      const { looks, placeOf } = world(links);
      placeOf(asked);
      expect(looks.filter((at) => /^\/mnt\/(nas|other)(\/|$)/.test(at))).toEqual([]);
    }),
  );
});
