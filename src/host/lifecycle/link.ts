import { Socket } from 'node:net';
import { type FromHost, type GuardianOrders, jsonLines } from '../../kernel/pulse.ts';
import type { Time } from '../../kernel/time.ts';

/** The host's end of the pipe to its guardian. */
export interface Link {
  orders: GuardianOrders;
  /** Never waits and never throws: a guardian that does not listen loses lines. */
  send(line: FromHost): void;
  /** The guardian ended before its host. */
  isGone(): boolean;
  close(): void;
}

/** The variable by which a guardian says that it listens on file descriptor 3. */
const VARIABLE = 'DARUMA_GUARDIAN';
const PIPE = 3;
/** The orders are in the pipe before the host is born; a guardian that was stopped in between is not waited for. */
const ORDERS_WITHIN_MS = 2_000;
const MOST_UNREAD_BYTES = 65_536;

/** Opens the pipe that the guardian left; undefined for a host without one. */
export async function openLink(time: Time, env: NodeJS.ProcessEnv = process.env): Promise<Link | undefined> {
  const guardian = Number(env[VARIABLE]);
  // Processes that the host starts have no guardian.
  delete env[VARIABLE];
  if (!Number.isInteger(guardian) || guardian <= 0) return undefined;
  const pipe = pipeOf(PIPE);
  if (!pipe) return undefined;
  let gone = false;
  pipe.on('close', () => {
    gone = true;
  });
  pipe.on('error', () => pipe.destroy());
  const orders = await ordersFrom(pipe, time);
  // The pipe must not keep a host alive that has nothing else to do.
  pipe.unref();
  return {
    orders: orders ?? { guardian, restart: false, safe: false, lost: [] },
    send(line) {
      if (!gone && pipe.writableLength < MOST_UNREAD_BYTES) pipe.write(`${JSON.stringify(line)}\n`);
    },
    isGone: () => gone,
    close: () => pipe.end(),
  };
}

function pipeOf(fd: number): Socket | undefined {
  try {
    return new Socket({ fd, readable: true, writable: true });
  } catch {
    return undefined;
  }
}

function ordersFrom(pipe: Socket, time: Time): Promise<GuardianOrders | undefined> {
  return new Promise((resolve) => {
    const cancel = time.after(ORDERS_WITHIN_MS, () => resolve(undefined));
    pipe.once('close', () => resolve(undefined));
    const read = jsonLines<GuardianOrders>((orders) => {
      cancel();
      resolve(orders);
    });
    pipe.setEncoding('utf8').on('data', read);
  });
}
