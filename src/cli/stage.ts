import type { ControlClient } from '../control/client.ts';
import { answerWithin } from '../control/own-host.ts';
import type { Ops } from '../control/protocol.ts';
import { asTyped, PLAIN, type Typed } from '../control/typed.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import { machineTime, type Time, zoneToWrite } from '../kernel/time.ts';
import { isInstallation } from './folder.ts';
import type { HostLauncher, Offline, Stage } from './ports.ts';
import { paintFor } from './text/paint.ts';
import { outputWidth } from './text/width.ts';

const NO_HOST = new Set(['HOST_DOWN', 'HOST_GONE', 'HOST_SILENT', 'HOST_FORBIDDEN', 'SOCKET_FOREIGN', 'TOKEN_WRONG']);

/** Each part opens when it is first asked for. */
export function createStage(options: {
  folder: string;
  json: boolean;
  launcher: HostLauncher;
  time?: Time;
  typed?: Typed;
}): Stage {
  const { folder, json, launcher, time = machineTime, typed = PLAIN } = options;
  const open: { close(): void }[] = [];
  let own: Promise<ControlClient> | undefined;
  let lastState: Promise<Offline> | undefined;
  const stage: Stage = {
    folder,
    json,
    launcher,
    time,
    paint: paintFor(process.stdout),
    paintNote: paintFor(process.stderr),
    width: outputWidth(process.stdout, process.env),
    out: (line, verbatim = json) => process.stdout.write(`${verbatim ? line : asTyped(line, typed)}\n`),
    note: (line, verbatim = json) => process.stderr.write(`${verbatim ? line : asTyped(line, typed)}\n`),
    clock: { now: time.now(), zone: zoneToWrite() },
    async connect(via) {
      const { reachHost } = await import('./connection.ts');
      const client = await reachHost(folder, time, via).catch(withHint);
      open.push(client);
      return client;
    },
    async ask(op, args, withinMs) {
      own ??= stage.connect();
      const client = await own;
      return await answerWithin(client.ask(op, args), folder, time, withinMs);
    },
    async askAnyway(op, args) {
      try {
        return { value: await stage.ask(op, args), down: false };
      } catch (thrown) {
        if (!(thrown instanceof Fault) || thrown.plain.code !== 'HOST_DOWN') throw thrown;
        lastState ??= import('./host-down.ts').then(async ({ openLastState }) => {
          const opened = await openLastState(stage, thrown);
          open.push(opened);
          return opened;
        });
        return { value: (await (await lastState).ask(op, args)) as Ops[typeof op]['value'], down: true };
      }
    },
    close() {
      for (const one of open) one.close();
    },
  };
  return stage;

  /** `daruma start` does not help in the wrong folder. */
  async function withHint(thrown: unknown): Promise<never> {
    if (!(thrown instanceof Fault) || thrown.plain.code !== 'HOST_DOWN') throw thrown;
    if (isInstallation(folder)) throw (await import('./host-down.ts')).withLastEnd(stage, thrown);
    const message = `no host runs here: ${folder} has neither plugins/ nor config/daruma.yaml`;
    throw new Fault({
      ...thrown.plain,
      message,
      next: 'daruma init my-ops makes an installation; --dir names one that there is',
    });
  }
}

/** The exit code that a failure asks for: 2 wrong usage, 4 no host, 78 a folder in which nothing can work, else 1. */
export function exitCodeOf(fault: PlainFault): number {
  if (fault.code === 'FOLDER_NAME') return 78;
  if (fault.code === 'USAGE') return 2;
  return NO_HOST.has(fault.code) ? 4 : 1;
}
