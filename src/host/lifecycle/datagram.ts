/** Sends one datagram to a unix socket; false when nobody takes it. */
type SendDatagram = (path: string, text: string) => boolean;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/**
 * Unix datagrams, which Node itself does not offer, by its door to the C library; undefined where that is shut (another
 * system than Linux, a Node that was built or started without `node:ffi`).
 */
export function openDatagrams(): SendDatagram | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const { dlopen } = quietly(() => process.getBuiltinModule('node:ffi'));
    const { functions } = dlopen(null, {
      socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
      sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
    });
    const socket = functions.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return undefined;
    return (path, text) => {
      const message = Buffer.from(text);
      const address = unixAddress(path);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const sent = functions.sendto(socket, message, BigInt(message.length), flags, address, address.length);
      return Number(sent) === message.length;
    };
  } catch {
    return undefined;
  }
}

/** A `sockaddr_un`; a name that begins with `@` has no file. */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  const family = Buffer.alloc(2);
  if (new Uint8Array(new Uint16Array([AF_UNIX]).buffer)[0] === AF_UNIX) family.writeUInt16LE(AF_UNIX);
  else family.writeUInt16BE(AF_UNIX);
  return Buffer.concat([family, name]);
}

/** Node tells everybody that ffi is experimental; whoever runs a service cannot do anything about it. */
function quietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
