/**
 * The main file of the exec broker, which runs commands, as the host says, and nothing else. The broker is a process of its own so that
 * the host never waits for a fork, and so that the end of the host is seen at once: the channel closes, and the broker kills
 * everything that it started before it ends itself.
 */
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { adoptOrphans, hardenProcess } from '../../../fence/status.ts';
import { openFrameChannel } from '../../../kernel/frames.ts';
import { OOM_SCORES, raiseOomScore, readStat } from '../../../kernel/proc.ts';
import { machineTime } from '../../../kernel/time.ts';
import { BROKER_FD, TO_BROKER } from '../broker-messages.ts';
import type { BrokerTerms, FromBroker, ToBroker } from '../wire.ts';
import { openCgroups } from './cgroup.ts';
import { type CommandGroups, createCommandGroups } from './command-groups.ts';
import { createProcessTable, leftoversOf, lineOf, processName } from './process-table.ts';
import { send, sendToGroup } from './termination.ts';

const LOOK_EVERY_MS = 20;
/** Leftovers that SIGKILL does not end in this time sit in the kernel, and end with what they wait for. */
const LEFTOVERS_MS = 3_000;
/** The time in which the broker kills its commands when the host is gone: within two seconds all are to be gone. */
const LAST_MS = 1_500;

let commandGroups: CommandGroups | undefined;
let closeCgroups: (() => void) | undefined;
/** Orders that came before the leftovers were killed. */
let early: ToBroker[] | null = [];

// The score for the kernel comes first: a process that no other may inspect can no longer write its own files in /proc.
raiseOomScore(OOM_SCORES.broker);
hardenProcess();
// A process that outlives its parents stays in sight, whatever it does with its environment and its session.
adoptOrphans();
const pipe = new Socket({ fd: BROKER_FD });
const channel = openFrameChannel(pipe, { receive: take, broken: die }, TO_BROKER);
// A signal to the whole process group (Ctrl-C, systemd) is the host's to act on.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
pipe.on('end', die).on('close', die);

function take(messages: unknown) {
  for (const message of messages as ToBroker[]) {
    if (message.do === 'begin') void begin(message.terms);
    else if (early) early.push(message);
    else receive(message);
  }
}

async function begin(terms: BrokerTerms) {
  const cgroups = terms.cgroups ? openCgroups(`daruma-exec-${terms.installation}`) : { refused: 'switched off' };
  const hasCgroups = !('refused' in cgroups);
  const enclosed = hasCgroups ? cgroups.clear() : 0;
  const killed = enclosed + (await killLeftovers(terms));
  await clearScratch(terms.scratch);
  closeCgroups = hasCgroups ? cgroups.close : undefined;
  commandGroups = createCommandGroups(terms, hasCgroups ? cgroups : undefined, say);
  say({ say: 'ready', killed, noCgroup: hasCgroups ? null : cgroups.refused });
  const waiting = early!;
  early = null;
  waiting.forEach(receive);
}

function receive(message: ToBroker) {
  switch (message.do) {
    case 'run':
      return commandGroups!.run(message.mark, message.order);
    case 'open':
      return commandGroups!.open(message.mark);
    case 'stop':
      return commandGroups!.stop(message.mark, message.why);
    case 'clear':
      return void remove(message.scratch);
  }
}

async function clearScratch(folder: string) {
  try {
    for (const name of readdirSync(folder)) await remove(join(folder, name));
  } catch {
    // No attempt has made a scratch folder yet.
  }
}

async function remove(folder: string) {
  await rm(folder, { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
}

function say(message: FromBroker) {
  channel.send([message], (error) => {
    if (error) die();
  });
}

function die(): never {
  commandGroups?.killAll(LAST_MS);
  closeCgroups?.();
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}

/** Kills what an earlier broker left, until nothing of it is seen. Resolves with the number of processes. */
async function killLeftovers(terms: BrokerTerms): Promise<number> {
  if (terms.leftovers.length === 0) return 0;
  const processTable = createProcessTable();
  const outside = readStat(process.pid)?.session ?? 0;
  const killed = new Set<string>();
  for (let left = LEFTOVERS_MS; left > 0; left -= LOOK_EVERY_MS) {
    const processes = processTable.look();
    const spared = lineOf(processes, process.pid);
    const found = leftoversOf(processes, terms.leftovers, { installation: terms.installation, outside, spared });
    if (found.length === 0) break;
    for (const one of found) {
      killed.add(processName(one));
    }
    // Signals go to whole process groups, so that a process that is forked between the look and the kill dies with the rest.
    for (const group of new Set(found.map((one) => one.group))) sendToGroup(group, 'SIGKILL');
    for (const one of found) send(one, 'SIGKILL');
    await machineTime.sleep(LOOK_EVERY_MS);
  }
  return killed.size;
}
