#!/bin/sh
# Boots a systemd of its own: in namespaces of its own, on a throw-away layer over the root file system, without network.
# Nothing that it writes reaches the machine: not /tmp, not /etc, not /var. It ends with its first process.
#
#   own-systemd.sh <name of its cgroup> <empty folder, to mount on> <folder that it may read as it is>...
#
# Prints nothing; systemd's own words go to stdout. Needs root, unshare, pivot_root, overlayfs and cgroup v2.
set -eu
if [ "${1:-}" != inside ]; then
  cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  mkdir -p "$cgroups/$1"
  # What can be handed down; where it cannot, limits of memory and tasks are not enforced.
  for controller in memory pids cpu; do echo "+$controller" >"$cgroups/cgroup.subtree_control" 2>/dev/null || true; done
  echo $$ >"$cgroups/$1/cgroup.procs"
  shift
  exec unshare --fork --pid --mount --uts --ipc --net --cgroup --propagation private --kill-child=SIGKILL \
    /bin/sh "$0" inside "$@"
fi
shift

layer=$1
shift
mount -t tmpfs -o mode=755 layer "$layer"
mkdir "$layer/changes" "$layer/work" "$layer/root"
root=$layer/root
mount -t overlay -o "lowerdir=/,upperdir=$layer/changes,workdir=$layer/work" root "$root"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do
  : >"$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
for folder in "$@"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
  mount -o remount,bind,ro "$root$folder"
done

# Of the machine's services none is started.
rm -rf "$root"/etc/systemd/system/*.wants
mkdir -p "$root/run/systemd/system"
cat >"$root/run/systemd/system/try.target" <<'UNIT'
[Unit]
Description=Just enough to run a service
Requires=sysinit.target
Wants=dbus.socket systemd-logind.service
After=sysinit.target dbus.socket
AllowIsolate=yes
UNIT
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"

ip link set lo up
cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
# Credentials are mounted by a child of systemd, and seen by it only where mounts are shared.
mount --make-rshared /
hostname daruma-try
for init in /lib/systemd/systemd /usr/lib/systemd/systemd; do
  [ -x "$init" ] && exec env -i container=daruma-try PATH="$PATH" "$init" --system --unit=try.target --log-target=console
done
echo 'there is no systemd to boot' >&2
exit 1
