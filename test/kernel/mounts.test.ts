import { expect, it } from 'vitest';
import { canStandStill, mountOf, parseMounts } from '../../src/kernel/mounts.ts';

const TEXT = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
25 22 0:23 / /proc rw,nosuid - proc proc rw
31 22 0:27 / /mnt/nas rw,relatime shared:9 - nfs4 nas:/export rw,vers=4.2
40 31 0:31 / /mnt/nas/a\\040b\\134c rw - fuse.sshfs host:/ rw
41 22 7:0 / /mnt/nas rw - ext4 /dev/loop0 rw
`;

it('reads the lines of mountinfo, with names that hold spaces and backslashes', () => {
  expect(parseMounts(TEXT)).toEqual([
    { point: '/', type: 'ext4', device: '254:0' },
    { point: '/proc', type: 'proc', device: '0:23' },
    { point: '/mnt/nas', type: 'nfs4', device: '0:27' },
    { point: '/mnt/nas/a b\\c', type: 'fuse.sshfs', device: '0:31' },
    { point: '/mnt/nas', type: 'ext4', device: '7:0' },
  ]);
  expect(parseMounts('')).toEqual([]);
});

it('finds the file system of a path: the deepest, and of two at one folder the one that covers the other', () => {
  const mounts = parseMounts(TEXT);
  const deviceOf = (path: string) => mountOf(path, mounts)?.device;
  expect(deviceOf('/home/a')).toBe('254:0');
  expect(deviceOf('/mnt/nas')).toBe('7:0');
  expect(deviceOf('/mnt/nas/x')).toBe('7:0');
  expect(deviceOf('/mnt/nasty')).toBe('254:0');
  expect(deviceOf('/mnt/nas/a b\\c/d')).toBe('0:31');
  expect(mountOf('/', [])).toBeUndefined();
});

it('knows which of them live in memory', () => {
  expect(parseMounts(TEXT).map(canStandStill)).toEqual([true, false, true, true, true]);
});
