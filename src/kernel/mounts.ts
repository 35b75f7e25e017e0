import { join } from 'node:path';

/** A file system that is mounted, by its line in /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  /** The folder at which it begins. */
  point: string;
  /** `ext4`, `nfs4`, `fuse.sshfs`. */
  type: string;
  /** `8:1`: mounts of one disk, or of one server, have the same. */
  device: string;
}

/** Types that live in memory or in the kernel itself, so that nothing outside can keep them from answering. */
const ALWAYS_ANSWER = new Set(
  'tmpfs ramfs proc sysfs devtmpfs devpts mqueue cgroup cgroup2 securityfs debugfs tracefs bpf pstore configfs hugetlbfs nsfs'.split(
    ' ',
  ),
);

/** The lines of mountinfo in their order: of two at one folder the later one covers the other. */
function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const [, , device, , point] = before!.split(' ');
    const type = after?.split(' ')[0];
    return type && device && point ? [{ point: plain(point), type, device }] : [];
  });
}

/** Spaces, tabs, line breaks and backslashes are written as octal numbers. */
const plain = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The file system that an absolute path without links is on. */
function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of mounts) {
    const isThere = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`);
    if (isThere && mount.point.length >= (found?.point.length ?? 0)) found = mount;
  }
  return found;
}

/** Whether a disk, a server or another process can keep whoever touches it waiting. */
const canStandStill = ({ type }: Mount) => !ALWAYS_ANSWER.has(type);

/** The file systems of a machine, seen from an installation. */
export interface MountTable {
  mounts: readonly Mount[];
  /** Devices of the installation, of its data (a volume of a container) and of `/`: when they stand still, so does the host. */
  own: ReadonlySet<string>;
}

/** `folder`: the installation. `mountinfo`: empty on other systems than Linux, then nothing is known to be foreign. */
export function readMounts(folder: string, mountinfo: string): MountTable {
  const mounts = parseMounts(mountinfo);
  return {
    mounts,
    own: new Set(['/', folder, join(folder, 'data')].flatMap((path) => mountOf(path, mounts)?.device ?? [])),
  };
}

/** As many links as Linux follows on the way of one path (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * The place at which an absolute path, links followed, leaves the devices of the host; undefined when it stays on them. Looks
 * at each folder of the way and stops ahead of the first that another device has: nothing of that is touched. `path`: the
 * rest of the way as it is written. `target`: where a link leads; undefined for all else.
 */
export function foreignPlace(
  path: string,
  { mounts, own }: MountTable,
  target: (path: string) => string | undefined,
): { mount: Mount; path: string } | undefined {
  let rest = path.split('/');
  let at = '/';
  for (let links = 0; rest.length > 0; ) {
    const here = join(at, rest.shift()!);
    const mount = mountOf(here, mounts);
    if (mount && canStandStill(mount) && !own.has(mount.device)) return { mount, path: join(here, ...rest) };
    const to = here === at ? undefined : target(here);
    if (to === undefined) at = here;
    else if (++links > MOST_LINKS) return undefined;
    else {
      rest = [...to.split('/'), ...rest];
      if (to.startsWith('/')) at = '/';
    }
  }
  return undefined;
}
