import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Op, Ops } from '../../../src/control/protocol.ts';
import { type Installation, installation } from '../../e2e/installation.ts';

/** Whoever runs the tests, and, where that is root, an ordinary user as well. */
export const USERS: [string, number | undefined][] =
  process.getuid?.() === 0
    ? [
        ['root', undefined],
        ['an ordinary user', 65_534],
      ]
    : [['this user, because the suite does not run as root', undefined]];

/** A real host of a user in a folder of its own, and files beside the installation that are nobody's business. */
export interface AttackedHost {
  place: Installation;
  /** The folder of files outside of the installation; it is writable for the user. */
  outside: string;
  /** Asks the host by its control socket, as its user. Rejects with the message of the host's fault. */
  ask<O extends Op>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']>;
  /** Starts the host, and the process that asks it. */
  start(): Promise<void>;
  leave(): Promise<void>;
}

interface HostTerms {
  uid: number | undefined;
  /** Files of the installation. */
  files: Record<string, string>;
  /** Variables of the host's environment, beside its own paths. */
  env?: Record<string, string>;
  /** Arguments of node before the host's own. */
  through?: string[];
}

export function attackedHost({ uid, files, env = {}, through }: HostTerms): AttackedHost {
  const home = mkdtempSync(join(tmpdir(), 'daruma-attack-'));
  const outside = join(home, 'outside');
  const temporary = join(home, 'tmp');
  for (const path of [outside, temporary]) mkdirSync(path);
  for (const path of [home, outside, temporary]) {
    if (uid !== undefined) chownSync(path, uid, uid);
    chmodSync(path, 0o755);
  }
  const { PATH } = process.env;
  const as = {
    env: { PATH, HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8', ...env },
    ...(uid === undefined ? {} : { uid }),
    ...(through ? { through } : {}),
  };
  const place = installation(files, home, as);
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  let asks: ChildProcess | undefined;
  let last = 0;

  async function openAsks() {
    const user = uid === undefined ? {} : { uid, gid: uid };
    asks = fork(join(import.meta.dirname, 'asks.ts'), {
      ...{ env: { ...as.env, INSTALLATION: place.folder }, execArgv: ['--no-warnings', '--import', 'tsx'], ...user },
    });
    await Promise.race([
      once(asks, 'message'),
      once(asks, 'exit').then(() => Promise.reject(new Error('nobody asks the host'))),
    ]);
    asks.on('message', ({ id, value, error }: { id: number; value?: never; error?: string }) => {
      const one = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) one?.resolve(value as never);
      else
        void saidOf(place).then((said) => one?.reject(new Error(`${error}; the guardian and its hosts said: ${said}`)));
    });
  }

  return {
    place,
    outside,
    ask: (op, args) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        asks!.send({ id, op, args });
      }),
    async start() {
      await place.start();
      await openAsks();
    },
    async leave() {
      asks?.disconnect();
      try {
        await place.leave();
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    },
  };
}

/** What guardian and hosts said, with what they say of an end that is a moment old. */
async function saidOf(place: Installation): Promise<string> {
  await place
    .until(
      async () => place.said().stderr,
      (said) => said !== '',
      2_000,
    )
    .catch(() => {});
  return `${place.said().stderr.slice(-4_000)}; host ${place.host()?.pid}`;
}

/** Writes files beside the installation, readable for everybody. */
export function writeOutside({ outside }: AttackedHost, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(outside, name), text);
}
