/**
 * Files that the C library reads to look up names of servers and to check certificates. A process that connects to servers by name and
 * runs under Node's permission model wants leave to read them: the fence opens each for its rule, and makes none for what it may not open.
 */
export const FILES_OF_NAMES: readonly string[] = [
  ...['/etc/hosts', '/etc/host.conf', '/etc/resolv.conf', '/etc/nsswitch.conf', '/etc/gai.conf', '/etc/services'],
  ...['/run/systemd/resolve', '/etc/ssl', '/etc/ld.so.cache', '/lib', '/lib64', '/usr/lib'],
];
