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
export function parseMounts(mountinfo: string): Mount[] {
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
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of mounts) {
    const isThere = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`);
    if (isThere && mount.point.length >= (found?.point.length ?? 0)) found = mount;
  }
  return found;
}

/** Whether a disk, a server or another process can keep whoever touches it waiting. */
export const canStandStill = ({ type }: Mount) => !ALWAYS_ANSWER.has(type);
