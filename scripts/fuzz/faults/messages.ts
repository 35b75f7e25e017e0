import { messagesIn } from '../../../src/gateway/child/process.ts';
import { FROM_BROKER, readFromBroker } from '../../../src/gateway/exec/broker-messages.ts';
import type { FromBroker } from '../../../src/gateway/exec/wire.ts';
import { readRequest } from '../../../src/host/api/conversation.ts';
import { readCall } from '../../../src/host/check-call.ts';
import type { Agent } from '../../../src/jobs/agent.ts';
import type { Assignment, Outcome } from '../../../src/jobs/model.ts';
import { boundedEnd } from '../../../src/jobs/settle.ts';
import { Fault as PlainError } from '../../../src/kernel/fault.ts';
import { createFrameReader, framesOf } from '../../../src/kernel/frames.ts';
import { isInstant } from '../../../src/kernel/instant.ts';
import { machineTime } from '../../../src/kernel/time.ts';
import { OPERATIONS, type Op, readArgs } from '../../../src/operations/table.ts';
import { FROM_CELL, readFromCell } from '../../../src/workers/cell-messages.ts';
import { createLineHub } from '../../../src/workers/inside/line-hub.ts';
import { createRingReader, createRingWriter } from '../../../src/workers/inside/ring.ts';
import { MARK, openShared } from '../../../src/workers/inside/shared.ts';
import { createStackMap } from '../../../src/workers/inside/stack-map.ts';
import { createThreadInbox } from '../../../src/workers/inside/thread-inbox.ts';
import type { WorkerCall } from '../../../src/workers/ports.ts';
import { createReports } from '../../../src/workers/reports.ts';
import { createSuspects } from '../../../src/workers/suspects.ts';
import type { FromCell, FromWorkerThread, WorkerSpec } from '../../../src/workers/wire.ts';
import { createHostWorker } from '../../../src/workers/worker.ts';
import type { Broken } from '../check.ts';
import type { Fault } from '../fault.ts';
import { mutateBytes, mutateMessage } from '../mutate-message.ts';
import { type Random, seeded } from '../random.ts';

const FAULT = { code: 'ERROR', message: 'x', stack: 'Error: x\n    at y (z.mjs:1:2)', data: { a: [1] } };
const LINE = { at: 1_790_000_000_000, level: 'info', job: 'job-1', message: 'hello', data: '{"n":1}' } as const;
const RUNNING = [{ seq: 1, startedAt: 1_790_000_000_000, quietMs: 3, lastBeat: 'b' }];
const FOUND = {
  ...{ at: 1_790_000_000_000, tookMs: 3, thread: 'spins', lastBeat: 'b' },
  hot: [{ name: 'run', file: 'plugins/a.ts', line: 3, share: 0.9 }],
  memory: { heapBytes: 1, externalBytes: 2, childrenBytes: 0, limitBytes: 9, perMinuteBytes: null },
};
const READING = {
  ...{ worker: 1, heapBytes: 1, externalBytes: 2, cpu: 0.5, loop: 0.1, answers: true },
  ...{ running: RUNNING, pools: null },
};
const TIMES = { startedAt: 1_790_000_000_000, durationMs: 1.5 };

const OF_CELLS: readonly FromCell[] = [
  { say: 'ready', worker: 1 },
  { say: 'done', worker: 1, flat: [1, 1_790_000_000_000, 0.25, '{"a":1}', 2, 1_790_000_000_000, 3, null] },
  { say: 'ended', worker: 1, end: { seq: 3, ...TIMES, summary: 's', is: 'done', result: '[1]' } },
  { say: 'ended', worker: 1, end: { seq: 4, ...TIMES, is: 'failed', fault: FAULT, retry: 500 } },
  { say: 'released', worker: 1, seqs: [5, 6] },
  { say: 'call', worker: 1, seq: 1, id: 1, call: { ask: 'setState', key: 'k', value: '1' } },
  { say: 'lines', parts: [{ worker: 1, lines: [LINE] }] },
  { say: 'left-over', worker: 1, is: 'error', job: 'job-1', fault: FAULT },
  { say: 'gone', worker: 1, because: FAULT, running: RUNNING, culprits: [{ seq: 1, why: FAULT }], found: FOUND },
  { say: 'unstoppable', worker: 1, because: FAULT, running: RUNNING, culprits: [], found: null },
  { say: 'readings', rssBytes: 5, fds: 20, workers: [READING] },
];
const OF_THREADS: readonly FromWorkerThread[] = [
  { say: 'ready' },
  { say: 'unfit', thrown: { ...FAULT, placedAt: 'run' } },
  { say: 'ended', seq: 1, ...TIMES, summary: 's', end: { is: 'done', result: '{"a":[1]}' } },
  { say: 'ended', seq: 2, ...TIMES, end: { is: 'failed', thrown: FAULT, retry: true } },
  { say: 'call', seq: 1, id: 1, call: { ask: 'exec', call: 1, command: 'git', args: ['log'], env: { A: 'b' } } },
  { say: 'lines', lines: [LINE, { ...LINE, data: '5' }, { ...LINE, data: null }] },
  { say: 'exit', code: 0, seq: null, thrown: FAULT },
  { say: 'crashed', seq: 1, thrown: FAULT },
  { say: 'left-over', is: 'timer', job: 'job-1', thrown: FAULT },
];
const OF_CALLS: readonly object[] = [
  { ask: 'endEffect', key: 'k', result: '1' },
  { ask: 'setState', key: 'k', value: '{"a":1}' },
  { ask: 'send', to: 'b', input: '[1]', key: 'k', afterMs: 5, priority: 1, staleAfterMs: 9 },
  { ask: 'emit', topic: 't', data: null },
  { ask: 'exec', call: 1, command: 'git', args: ['log'], env: { A: 'b' }, input: 'x', timeoutMs: 5, cwd: 'd' },
  { ask: 'admit', origin: 'https://a.example', timeoutMs: 5, alone: false },
  { ask: 'fetched', meant: 'https://a.example', origin: 'https://a.example', pass: 1, end: { is: 'good', ms: 1 } },
  { ask: 'fleetReport', from: '2026-11-27T00:00:00Z' },
  { ask: 'backUp', to: 'backups/a.db' },
];

const OF_COMMAND = 'abc:job-1:1:s-1';
const PROCESS = { pid: 7, command: 'git', rssBytes: 5 };
const RESULT = { code: 0, signal: null, stdout: 'out', stderr: 'err', truncated: false, tookMs: 3 };
const OF_BROKERS: readonly FromBroker[] = [
  { say: 'ready', killed: 1, noCgroup: 'none' },
  { say: 'waiting', child: { pid: 7, start: 99, mark: OF_COMMAND } },
  { say: 'ended', mark: OF_COMMAND, end: { is: 'ended', result: RESULT } },
  {
    say: 'ended',
    mark: OF_COMMAND,
    end: { is: 'stopped', why: 'timeout', result: { ...RESULT, code: null, signal: 'SIGKILL' } },
  },
  { say: 'ended', mark: OF_COMMAND, end: { is: 'unstarted', message: 'x' } },
  { say: 'gone', mark: OF_COMMAND, left: 1, names: [PROCESS], cpuMs: 20 },
  { say: 'readings', children: [{ mark: OF_COMMAND, ...PROCESS }] },
];

const OF_CLIENTS: readonly object[] = [
  { id: 1, op: 'ping', args: {}, token: 't' },
  { id: 2, op: 'run', args: { agent: 'a', input: { n: [1, { deep: true }] }, key: 'k' }, token: 't' },
  { id: 3, op: 'jobs', args: { agent: 'a', limit: 5 }, token: 't' },
  { id: 4, op: 'stateSet', args: { agent: 'a', key: 'k', value: [1, 'x', null] }, token: 't' },
  { id: 5, op: 'pause', args: { agent: 'a' }, token: 't' },
];

/** What a hop did with its messages. */
interface HopCount {
  taken: number;
  refused: number;
  /** Sentences about what must not be. */
  wrong: string[];
}

type Hop = (random: Random) => 'taken' | 'refused';

/** Each hop gets one mutated message; it throws for what must not be, and only an `Error` is a refusal. */
const HOPS: Readonly<Record<string, (folder: string) => Hop>> = {
  'pipe of a cell': () => (random) => {
    const frames = Buffer.concat(framesOf([anyOf(OF_CELLS, random), anyOf(OF_CELLS, random)]));
    const bytes = mutateBytes(frames, random);
    return refusedBy(() => {
      const read = createFrameReader(readFromCell, FROM_CELL);
      const cut = random.between(0, bytes.length);
      read(bytes.subarray(0, cut));
      read(bytes.subarray(cut));
    });
  },
  'host from broker': () => (random) => {
    const said = [anyOf(OF_BROKERS, random), anyOf(OF_BROKERS, random)];
    const isWhole = random.between(0, 1) === 0;
    const frames = Buffer.concat(framesOf(isWhole ? said.map((one) => mutateMessage(one, random)) : said));
    return refusedBy(() => {
      const read = createFrameReader((frame) => messagesIn(frame, readFromBroker).forEach(checkAnswer), FROM_BROKER);
      read(isWhole ? frames : mutateBytes(frames, random));
    });
  },
  'host from cell': () => (random) => {
    const world = hostWorker();
    const outcome = refusedBy(() => {
      for (const message of throughPipe([mutateMessage(anyOf(OF_CELLS, random), random)])) world.receive(message);
    });
    world.end();
    return outcome;
  },
  'cell from thread': (folder) => {
    const stacks = createStackMap(folder);
    return (random) => {
      const said: FromCell[] = [];
      const inbox = threadInbox(stacks, folder, said);
      const message = mutateMessage(anyOf(OF_THREADS, random), random, true);
      const outcome = refusedBy(() => inbox.receive(message));
      // Whatever a thread gets through, its cell and the neighbours in it must not die of.
      throughPipe(said);
      return outcome;
    };
  },
  'ring of a thread': () => (random) => {
    const shared = openShared();
    const writer = createRingWriter(shared);
    const reader = createRingReader(shared);
    for (let seq = 1; seq < 9; seq++) writer.put(seq, 1_790_000_000_000, 1, 'x'.repeat(seq));
    if (random.between(0, 3) === 0) shared.marks[random.between(0, 1) === 0 ? MARK.head : MARK.tail] = odd32(random);
    new DataView(shared.ring.buffer, shared.ring.byteOffset).setInt32(4 * random.between(0, 80), odd32(random), true);
    return refusedBy(() => {
      const flat = reader.drain();
      throughPipe(flat.length === 0 ? [] : [{ say: 'done', worker: 1, flat }]);
    });
  },
  'host from client': () => (random) => {
    const said = anyOf(OF_CLIENTS, random);
    const isWhole = random.between(0, 1) === 0;
    const line = isWhole
      ? JSON.stringify(mutateMessage(said, random))
      : mutateBytes(Buffer.from(JSON.stringify(said)), random).toString();
    return refusedBy(() => {
      const { id, op, args } = readRequest(line);
      if (!Number.isSafeInteger(id)) throw new Wrong('a request without a number');
      if (Object.hasOwn(OPERATIONS, op)) JSON.stringify(readArgs(op as Op, args));
      else throw new Error('an operation that nobody knows');
    });
  },
  'calls of a worker': () => (random) => {
    const call = mutateMessage(anyOf(OF_CALLS, random), random);
    return refusedBy(() => {
      const read = readCall({ ...(call as object), job: 'job-1', attempt: 1, agent: 'a' } as WorkerCall);
      if (JSON.stringify(readCall(read)) !== JSON.stringify(read)) throw new Wrong('a call reads as another one');
    });
  },
};

class Wrong extends Error {}

/** Sends mutated messages to each hop, as many as `count` says, and tells what must not have happened. */
export function fuzzMessages(seed: number, count: number, folder: string): Record<string, HopCount> {
  const counts: Record<string, HopCount> = {};
  for (const [name, open] of Object.entries(HOPS)) {
    const random = seeded(seed);
    const hop = open(folder);
    const tally: HopCount = { taken: 0, refused: 0, wrong: [] };
    for (let left = count; left > 0; left--) {
      try {
        tally[hop(random)] += 1;
      } catch (error) {
        if (tally.wrong.length < 20) tally.wrong.push((error as Error).stack ?? String(error));
      }
    }
    counts[name] = tally;
  }
  return counts;
}

export const messages: Fault<'messages'> = {
  name: 'messages',
  counts: { messages: 100_000 },
  async run({ folder, seed, say }, { messages: count }) {
    const counts = fuzzMessages(seed, count, folder);
    const broken: Broken = {};
    const wrong = Object.values(counts).flatMap((hop) => hop.wrong);
    for (const sentence of wrong) say(sentence);
    const tables = Object.entries(counts).map(([hop, { taken, refused }]) => ({ hop, taken, refused }));
    if (wrong.length > 0) broken.messages = wrong;
    return { tables, broken, result: { count, tables } };
  },
};

function refusedBy(work: () => void): 'taken' | 'refused' {
  try {
    work();
    return 'taken';
  } catch (error) {
    const isRefusal = error instanceof PlainError || (error as Error).constructor === Error;
    if (isRefusal) return 'refused';
    throw error;
  }
}

/** What a job gets of a command, and what the record of processes is written from. */
function checkAnswer(message: FromBroker): void {
  if (message.say === 'waiting' && !(message.child.pid > 0)) throw new Wrong('a process that is none');
  if (message.say !== 'ended' || message.end.is === 'unstarted') return;
  const { code, stdout, stderr, tookMs } = message.end.result;
  if (code !== null && !Number.isInteger(code)) throw new Wrong('an exit code that is none');
  if (typeof stdout !== 'string' || typeof stderr !== 'string') throw new Wrong('an output that is no text');
  if (!isInstant(tookMs)) throw new Wrong('a length that is none');
}

/** As a host gets what a cell says. */
function throughPipe(said: readonly unknown[]): FromCell[] {
  const messages: FromCell[] = [];
  const read = createFrameReader((frame) => messages.push(...readFromCell(frame)), FROM_CELL);
  for (const frame of framesOf(said)) read(frame);
  return messages;
}

function threadInbox(stacks: ReturnType<typeof createStackMap>, folder: string, said: FromCell[]) {
  const spec = { agent: 'a', folder, file: `${folder}/a.mjs`, mapFile: `${folder}/a.mjs.map` } as WorkerSpec;
  const say = (message: FromCell) => void said.push(message);
  const lines = createLineHub(say);
  const none = () => {};
  const causes = { drain: none, ready: none, ended: none, unfit: none, crashed: none, exits: none, refuse: none };
  const unmarked = () => {
    throw new Error('an alarm');
  };
  const inbox = createThreadInbox(1, spec, openShared(), {
    ...causes,
    unmarked,
    time: machineTime,
    say,
    lines,
    stacks,
  });
  return {
    receive(message: unknown) {
      try {
        inbox.receive(message);
      } finally {
        lines.flushAll();
      }
    },
  };
}

/** A worker of a host with six attempts on its account. */
function hostWorker() {
  const outcomes: Outcome[] = [];
  const back: string[] = [];
  const events = {
    ended: (list: { outcome: Outcome }[]) => outcomes.push(...list.map(({ outcome }) => outcome)),
    released: (refs: readonly { job: string }[]) => back.push(...refs.map(({ job }) => job)),
    capacityChanged() {},
  };
  const reports = createReports(events as never, () => 0);
  const none = () => {};
  const agent = { name: 'a', fingerprint: 'f', version: { id: 'v' }, limits: {} } as Agent;
  const suspects = createSuspects(machineTime);
  const needs = {
    time: machineTime,
    reports,
    suspects,
    post: none,
    took: none,
    ready: none,
    gone: none,
    measured: none,
  };
  const worker = createHostWorker(1, agent, { ...needs, answer: async () => null });
  const given = Array.from({ length: 6 }, (_, index) => ({ job: `job-${index + 1}`, attempt: 1 }) as Assignment);
  worker.start({} as WorkerSpec);
  worker.dispatch(given);
  return {
    receive(message: FromCell) {
      if (message.say === 'lines') message.parts.forEach(({ lines }) => void worker.lines(lines));
      else if ('worker' in message) worker.receive(message);
    },
    /** Each attempt comes back once, with an end that a store takes. */
    end() {
      worker.end({ code: 'CELL_LOST', message: 'x' }, undefined);
      reports.flush();
      const ends = [...outcomes.map(({ job }) => job), ...back].sort();
      if (ends.join() !== given.map(({ job }) => job).join()) throw new Wrong(`came back: ${ends.join()}`);
      for (const outcome of outcomes.map((one) => boundedEnd(one, 1_790_000_000_000))) {
        if (!isInstant(outcome.startedAt) || !isInstant(outcome.finishedAt)) throw new Wrong('a time that is none');
        if (outcome.is === 'done' && outcome.result !== null) JSON.parse(outcome.result);
      }
    },
  };
}

function anyOf<Value>(values: readonly Value[], random: Random): Value {
  return values[random.between(0, values.length - 1)]!;
}

function odd32(random: Random): number {
  return random.between(0, 1) === 0 ? random.between(-(2 ** 31), 2 ** 31 - 1) : random.between(-2, 70_000);
}
