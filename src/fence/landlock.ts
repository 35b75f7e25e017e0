/**
 * Landlock's structures as the kernel takes them. A right that the kernel's version does not know is left out of what is
 * handled, because a ruleset with an unknown right is refused as a whole.
 */

/** Access to files, bit by bit as in the kernel's `landlock.h`. */
const EXECUTE = 1n << 0n;
const WRITE_FILE = 1n << 1n;
const READ_FILE = 1n << 2n;
const READ_DIR = 1n << 3n;
const TRUNCATE = 1n << 14n;
const IOCTL_DEV = 1n << 15n;
/** The access that makes sense for a file; the kernel refuses a rule on a file with more. */
const OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

const BIND_TCP = 1n << 0n;
const CONNECT_TCP = 1n << 1n;
/** Abstract sockets and signals. */
const SCOPES = 0b11n;

const PORTS_SINCE = 4;
const SCOPES_SINCE = 6;

export type FileAccess = 'read' | 'write' | 'execute';

/** The access to files, in bits, that the kernel's version knows. */
function allOf(version: number): bigint {
  const rights = version >= 5 ? 16n : version >= 3 ? 15n : version >= 2 ? 14n : 13n;
  return (1n << rights) - 1n;
}

/** `landlock_ruleset_attr` in the length that the version knows. `connects`: whether connections are bound to ports, as listening is. */
export function rulesetOf(version: number, connects: boolean): Buffer {
  const attributes = Buffer.alloc(version >= SCOPES_SINCE ? 24 : version >= PORTS_SINCE ? 16 : 8);
  attributes.writeBigUInt64LE(allOf(version), 0);
  if (version >= PORTS_SINCE) attributes.writeBigUInt64LE(connects ? BIND_TCP | CONNECT_TCP : BIND_TCP, 8);
  if (version >= SCOPES_SINCE) attributes.writeBigUInt64LE(SCOPES, 16);
  return attributes;
}

/** `landlock_path_beneath_attr`: access to an open file, or to all below an open folder. */
export function pathRule(version: number, access: FileAccess, fd: number, isFolder: boolean): Buffer {
  const wanted = {
    read: READ_FILE | READ_DIR,
    write: allOf(version) & ~EXECUTE & ~IOCTL_DEV,
    execute: READ_FILE | READ_DIR | EXECUTE,
  };
  const rule = Buffer.alloc(12);
  rule.writeBigUInt64LE(wanted[access] & allOf(version) & (isFolder ? allOf(version) : OF_FILES), 0);
  rule.writeInt32LE(fd, 8);
  return rule;
}

/** `landlock_net_port_attr`: connections to a TCP port, or listening on it. */
export function portRule(use: 'connect' | 'listen', port: number): Buffer {
  const rule = Buffer.alloc(16);
  rule.writeBigUInt64LE(use === 'connect' ? CONNECT_TCP : BIND_TCP, 0);
  rule.writeBigUInt64LE(BigInt(port), 8);
  return rule;
}
