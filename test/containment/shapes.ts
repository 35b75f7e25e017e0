/** One way for a plugin to go wrong: what it does at its first attempt, and what must come of that. */
export interface Shape {
  name: string;
  /** In words, for the page that is printed from this list. */
  what: string;
  /** The body of its first attempt; the second one does nothing and returns 'clean'. */
  body: string;
  imports?: string;
  needs?: Record<string, string[]>;
  /** Beside those that all shapes have. */
  limits?: Record<string, string>;
  isolation?: 'own' | 'shared' | undefined;
  /** Codes that its first attempt may fail with; `done`: nothing happens to it. */
  ends: string[];
  /** The incident that is opened; none where only the attempt failed. */
  verdicts?: string[];
  /** What the evidence of the incident says; a text of JSON. */
  finds?: RegExp;
  /** Who pays for it, in words. */
  pays: string;
}

/** What is not meant to get stuck has time, however busy the machine is. */
const SOON = { limits: { timeout: '1500ms' } };
const STUCK = { ...SOON, ends: ['TIMEOUT'], verdicts: ['stuck'] };
const CRASHED = { ends: ['CRASHED'], verdicts: ['crashed'] };
const MEMORY = { verdicts: ['over-limit', 'out-of-memory'] };
const ATTEMPT = 'the attempt';
const JOB = 'its job, which is not tried again';
const WORKER = 'its worker';
const CELL = 'its cell: what else runs in it is tried again elsewhere';
/** An agent with rights shares its cell with nobody. */
const OWN_CELL = 'its cell, in which no other agent runs';

export const SHAPES: readonly Shape[] = [
  // Memory.
  {
    name: 'objects',
    what: 'keeps objects without end',
    body: `const kept = []; for (let i = 0; ; i++) { kept.push({ i, text: 'n' + i }); if (i % 20_000 === 0) await new Promise(setImmediate); }`,
    ends: ['OVER_LIMIT', 'OUT_OF_MEMORY'],
    ...MEMORY,
    finds: /"heapBytes":\d{8}/,
    pays: WORKER,
  },
  {
    name: 'array-buffers',
    what: '1 GB of ArrayBuffers',
    body: `const kept = []; for (let i = 0; i < 256; i++) kept.push(new ArrayBuffer(4 * 1024 * 1024)); await new Promise(() => {});`,
    ends: ['OVER_LIMIT'],
    ...MEMORY,
    finds: /"externalBytes":[1-9]\d{7}/,
    pays: WORKER,
  },
  {
    name: 'one-map',
    what: 'one Map past the heap limit in one go',
    body: `const kept = new Map(); for (let i = 0; ; i++) kept.set(i, i);`,
    isolation: 'own',
    ends: ['OVER_LIMIT', 'OUT_OF_MEMORY', 'CELL_LOST'],
    verdicts: ['over-limit', 'out-of-memory', 'cell-lost'],
    pays: `${WORKER}; ${CELL}, if V8 aborts the process before the limit is seen`,
  },
  {
    name: 'deaf-allocation',
    what: 'fills arrays in a loop that keeps V8 from answering anybody',
    body: `const kept = []; for (;;) kept.push(new Array(1000).fill(kept.length));`,
    isolation: 'own',
    ends: ['OVER_LIMIT'],
    ...MEMORY,
    pays: `${CELL}, for its thread cannot be ended`,
  },
  // Time.
  {
    name: 'busy-loop',
    what: '`while (true)`',
    body: 'while (true);',
    ...STUCK,
    finds: /"spins in JavaScript/,
    pays: WORKER,
  },
  {
    name: 'regex',
    what: 'a catastrophic regular expression',
    body: `return /^(a+)+$/.test('a'.repeat(40) + 'b');`,
    ...STUCK,
    finds: /"spins in JavaScript/,
    pays: WORKER,
  },
  {
    name: 'atomics-wait',
    what: '`Atomics.wait` without end',
    body: 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
    ...STUCK,
    finds: /"sleeps in JavaScript/,
    pays: WORKER,
  },
  {
    name: 'pbkdf2',
    what: '`pbkdf2Sync` with a billion rounds',
    imports: `import { pbkdf2Sync } from 'node:crypto';`,
    body: `pbkdf2Sync('x', 'y', 1_000_000_000, 64, 'sha512');`,
    isolation: 'own',
    ...STUCK,
    finds: /"seems to compute in native code/,
    pays: CELL,
  },
  {
    name: 'long-sql',
    what: 'a long SQLite query',
    imports: `import { DatabaseSync } from 'node:sqlite';`,
    body: `new DatabaseSync(':memory:').prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9e12) SELECT count(*) FROM n').get();`,
    needs: { modules: ['node:sqlite'] },
    isolation: 'own',
    ...STUCK,
    finds: /"seems to compute in native code/,
    pays: OWN_CELL,
  },
  {
    name: 'fifo-sync',
    what: '`readFileSync` of a pipe that nobody writes to',
    imports: `import { readFileSync } from 'node:fs';`,
    body: `readFileSync(context.folder + '/pipes/sync');`,
    needs: { read: ['pipes'] },
    isolation: 'own',
    ...STUCK,
    finds: /"seems to wait in native code/,
    pays: OWN_CELL,
  },
  {
    name: 'fifo-pool',
    what: 'reads of a pipe that pin every thread of the thread pool',
    imports: `import { open } from 'node:fs/promises';`,
    body: `await Promise.all(Array.from({ length: 32 }, () => open(context.folder + '/pipes/pool')));`,
    needs: { read: ['pipes'] },
    isolation: 'own',
    ...STUCK,
    finds: /"waits for a timer|its event loop turns|seems to wait/,
    pays: OWN_CELL,
  },
  // Ends.
  { name: 'process-exit', what: '`process.exit`', body: 'process.exit(3);', ...CRASHED, pays: WORKER },
  {
    name: 'process-abort',
    what: '`process.abort`',
    body: 'process.abort();',
    ends: ['NOT_ALLOWED'],
    pays: JOB,
  },
  {
    name: 'process-kill',
    what: '`process.kill(process.pid)`',
    body: `process.kill(process.pid, 'SIGKILL');`,
    ends: ['NOT_ALLOWED'],
    pays: JOB,
  },
  {
    name: 'uncaught',
    what: 'an uncaught error',
    body: `setTimeout(() => { throw new Error('from a timer'); }); await new Promise(() => {});`,
    ...CRASHED,
    pays: WORKER,
  },
  {
    name: 'unhandled',
    what: 'an unhandled rejection',
    body: `Promise.reject(new Error('nobody waits')); await new Promise(() => {});`,
    ...CRASHED,
    pays: WORKER,
  },
  {
    name: 'throws-at-abort',
    what: 'throws in its `signal` handler',
    body: `context.signal.addEventListener('abort', () => { throw new Error('in a handler'); }); await new Promise(() => {});`,
    ...SOON,
    ends: ['CRASHED', 'TIMEOUT'],
    verdicts: ['crashed', 'stuck'],
    pays: WORKER,
  },
  {
    name: 'ignores-drain',
    what: 'never answers a drain: it ignores its signal, and its exit handler loops',
    body: `process.on('exit', () => { for (;;); }); setInterval(() => {}, 10); await new Promise(() => {});`,
    ...STUCK,
    finds: /"waits for a timer|event loop turns/,
    pays: WORKER,
  },
  // Floods.
  {
    name: 'calls',
    what: 'a flood of calls to the host',
    body: `let refused = 0;
      for (let i = 0; i < 50_000; i++) context.emit('flood', i).catch(() => refused++);
      await new Promise((done) => setTimeout(done, 50));
      if (refused < 40_000) throw new Error('only ' + refused + ' were refused');
      return 'clean';`,
    ends: ['done', 'OVER_LIMIT'],
    ...MEMORY,
    pays: 'nobody: calls above 1,000 at a time are refused',
  },
  {
    name: 'broadcasts',
    what: 'a flood of messages on a BroadcastChannel',
    body: `const channel = new BroadcastChannel('flood'); for (let i = 0; i < 200_000; i++) channel.postMessage(i); channel.close(); return 'clean';`,
    ends: ['done'],
    pays: 'nobody',
  },
  {
    name: 'lines',
    what: 'a flood of log lines',
    body: `for (let i = 0; i < 300_000; i++) context.log.info('line ' + i); return 'clean';`,
    ends: ['done'],
    pays: 'nobody: repeats and lines above the limit are left out and counted, and the plugin sleeps half of its time',
  },
  {
    name: 'huge-result',
    what: 'a huge result',
    body: `return 'x'.repeat(8 * 1024 * 1024);`,
    ends: ['TOO_LARGE'],
    pays: JOB,
  },
  {
    name: 'timers',
    what: 'thousands of timers and sockets that stay open',
    imports: `import { createSocket } from 'node:dgram';`,
    body: `for (let i = 0; i < 20_000; i++) setInterval(() => {}, 60_000);
      await Promise.all(Array.from({ length: 300 }, () => new Promise((done) => createSocket('udp4').bind(0, '127.0.0.1', done))));
      return 'clean';`,
    needs: { net: ['127.0.0.1'] },
    ends: ['done'],
    pays: 'nobody: they go with its worker, which goes when it is idle',
  },
  // Values.
  {
    name: 'far-retry',
    what: '`RetryLater` with a pause of 57 million years',
    imports: `import { RetryLater } from 'daruma';`,
    body: `throw new RetryLater('rate limited', { after: '1795736000000000s' });`,
    ends: ['RETRY_AFTER_INVALID'],
    pays: `${ATTEMPT}: the backoff says when instead`,
  },
  {
    name: 'own-clock',
    what: 'a `Date.now` of its own, with fractions of a millisecond or no time at all',
    body: `let n = 0; Date.now = () => (n++ % 2 === 0 ? performance.timeOrigin + performance.now() + 0.25 : Number.NaN);
      context.log.info('what time is it?'); await new Promise((done) => setTimeout(done, 20)); return 'clean';`,
    ends: ['done'],
    pays: 'nobody: the host rounds its times, and takes its own for those that are none',
  },
  // Beyond its own thread.
  {
    name: 'chdir',
    what: '`process.chdir`',
    body: `process.chdir('/');`,
    ends: ['NOT_ALLOWED'],
    pays: JOB,
  },
  {
    name: 'pollution',
    what: 'prototype pollution of its own realm',
    body: `Object.prototype.polluted = 1; JSON.stringify = () => 'x'; Promise.prototype.then = () => {}; Array.prototype.push = () => { throw new Error('polluted'); }; return 'clean';`,
    ...SOON,
    ends: ['done', 'TIMEOUT', 'CRASHED', 'ERROR'],
    verdicts: ['stuck', 'crashed'],
    pays: `${ATTEMPT}, or ${WORKER}`,
  },
  {
    name: 'spawn-sync',
    what: "`spawnSync('sleep')`",
    body: `const { spawnSync } = await import('node:child_process'); spawnSync('sleep', ['60']);`,
    ends: ['NOT_IN_NEEDS'],
    pays: JOB,
  },
  {
    name: 'hangs-in-exec',
    what: 'a command that hangs',
    body: `await context.exec('sleep', ['600']);`,
    needs: { exec: ['sleep'] },
    ...STUCK,
    pays: `${ATTEMPT}: the command is killed`,
  },
  {
    name: 'daemonises',
    what: 'children that daemonise with `setsid`',
    // It ends when the daemon is a `sleep` indeed: a process that has not come to its `exec` is still called `sh`.
    body: `await context.exec('sh', ['-c', 'setsid sh -c "sleep 600 & exec sleep 600" >/dev/null 2>&1 & until read name < /proc/$!/comm && [ "$name" = sleep ]; do :; done']); return 'clean';`,
    needs: { exec: ['sh'] },
    ends: ['done'],
    verdicts: ['children-left'],
    finds: /"code":"CHILDREN_LEFT",.*"command":"sleep"/,
    pays: 'nobody: they are killed when the attempt ends',
  },
  {
    name: 'descriptors',
    what: 'file descriptors until EMFILE',
    imports: `import { openSync } from 'node:fs';`,
    body: `for (;;) openSync('/dev/null');`,
    needs: { read: ['/dev/null'] },
    isolation: 'own',
    ends: ['EMFILE'],
    pays: `${ATTEMPT}; its cell is replaced when half of them are open`,
  },
  {
    name: 'closes-foreign',
    what: 'closes descriptors that are not its own',
    imports: `import { closeSync } from 'node:fs';`,
    body: `for (let fd = 3; fd < 60; fd++) { try { closeSync(fd); } catch {} } await new Promise((done) => setTimeout(done, 200)); return 'clean';`,
    isolation: 'own',
    ...SOON,
    ends: ['done'],
    pays: 'nobody: what a worker did not open is not its to close',
  },
  {
    name: 'v8-flags',
    what: '`v8.setFlagsFromString`',
    body: `const v8 = await import('node:v8'); v8.setFlagsFromString('--expose-gc');`,
    ends: ['NOT_IN_NEEDS'],
    pays: JOB,
  },
  {
    name: 'priority',
    what: '`os.setPriority`',
    imports: `import { setPriority } from 'node:os';`,
    body: 'setPriority(19);',
    ends: ['NOT_ALLOWED'],
    pays: JOB,
  },
];
