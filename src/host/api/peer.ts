import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import type { Ffi } from '../../fence/kernel.ts';
import { quietly } from '../../fence/quietly.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** A `struct ucred`: pid, uid and gid, 32 bits each. */
const CREDENTIALS_BYTES = 12;
const UID_AT = 4;

/**
 * The user at the other end of a unix socket, by the kernel's word: `root`, or `uid 1000` where the machine has no name
 * for it. Where the kernel cannot be asked, it is the user of this process: nobody else but root can read the token.
 */
export function peerUser(socket: Socket): string {
  const uid = peerUid(socket) ?? process.geteuid?.();
  return uid === undefined ? userInfo().username : userName(uid);
}

function peerUid(socket: Socket): number | undefined {
  const { fd } = (socket as { _handle?: { fd?: number } })._handle ?? {};
  if (process.platform !== 'linux' || fd === undefined || fd < 0) return undefined;
  try {
    return quietly(() => {
      const { dlopen } = process.getBuiltinModule('node:ffi' as never) as never as Ffi;
      const { lib, functions } = dlopen(null, {
        getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
      });
      const found = Buffer.alloc(CREDENTIALS_BYTES);
      const length = Buffer.from(new Uint32Array([CREDENTIALS_BYTES]).buffer);
      const failed = functions.getsockopt!(fd, SOL_SOCKET, SO_PEERCRED, found, length);
      lib.close();
      return failed === 0 ? new Uint32Array(found.buffer, found.byteOffset + UID_AT, 1)[0] : undefined;
    });
  } catch {
    return undefined;
  }
}

/** The name of a user of this machine, or `uid 1000` where it has none. */
export function userName(uid: number): string {
  return nameOf(uid) ?? `uid ${uid}`;
}

function nameOf(uid: number): string | undefined {
  try {
    const rows = readFileSync('/etc/passwd', 'utf8').split('\n');
    return rows.map((row) => row.split(':')).find((fields) => fields[2] === `${uid}`)?.[0];
  } catch {
    return undefined;
  }
}
