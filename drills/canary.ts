import { pbkdf2Sync } from 'node:crypto';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { type Context, definePlugin, z } from 'daruma';

const MEGABYTE = 1024 ** 2;
const LEAD_MS = 20;
const held: unknown[] = [];

/** Fails on purpose, in the way that its settings name; on the second attempt it does its job. For drills only. */
export default definePlugin({
  about: 'A canary: fails once in the way that a drill asks for, then does its job.',
  settings: z.strictObject({
    fault: z.enum(['none', 'leak', 'buffers', 'crash', 'abort', 'spin', 'native', 'silence', 'children', 'origin']),
    limitMb: z.number(),
  }),
  needs: { exec: ['sh'], net: ['127.0.0.1'] },
  limits: { attempts: 2, backoff: { first: '1ms', longest: '1ms' } },
  async run(context) {
    if (context.settings.fault === 'origin') return call(context);
    const isWarmUp = context.job.input === 'warm up';
    if (isWarmUp || context.job.attempt > 1 || context.settings.fault === 'none') return { is: 'well' };
    await fail(context, context.settings);
    return { is: 'well' };
  },
});

/** Calls the server that the drill has put up; whether that is well is the drill's matter. */
async function call({ job, fetch, log }: Context<unknown>) {
  log.info('the call begins');
  const answer = await fetch(String(job.input));
  if (!answer.ok) throw new Error(`the server of the drill answered ${answer.status}`);
  return { is: 'well' };
}

async function fail({ log, exec }: Context<unknown>, { fault, limitMb }: { fault: string; limitMb: number }) {
  /** Starts the clock of the drill. A fault that stops the thread comes after a pause, which lets the line out. */
  const begin = async (inMs = LEAD_MS) => {
    log.info('the fault begins', { inMs });
    await pause(LEAD_MS);
  };
  switch (fault) {
    case 'leak':
    case 'buffers':
      return leak(fault, limitMb, begin);
    case 'crash':
      await begin();
      setTimeout(() => {
        throw new Error('a drill: thrown in a timer');
      });
      return never();
    case 'abort':
      await begin();
      // A worker cannot take its process down by itself; a command of the same user can.
      await exec('sh', ['-c', `kill -9 ${process.pid}`]);
      return never();
    case 'spin':
      await begin();
      for (;;) held.length = 0;
    case 'native':
      await begin();
      pbkdf2Sync('a', 'drill', 2 ** 31 - 1, 64, 'sha512');
      return;
    case 'silence':
      await begin(0);
      return never();
    case 'children':
      // The command ends at once and leaves a process behind that has left its group.
      await exec('sh', ['-c', 'setsid sleep 300 >/dev/null 2>&1 &']);
      return begin(0);
  }
}

/** 20 MB a second, in steps that let others breathe; says when it is over its limit. */
async function leak(kind: 'leak' | 'buffers', limitMb: number, begin: (inMs: number) => Promise<void>) {
  let isOver = false;
  for (;;) {
    held.push(
      kind === 'buffers'
        ? Buffer.alloc(MEGABYTE, 1)
        : Array.from({ length: 8_192 }, (_, index) => ({ index, at: [index] })),
    );
    const { heapUsed, external } = process.memoryUsage();
    if (!isOver && heapUsed + external > limitMb * MEGABYTE) {
      isOver = true;
      await begin(0);
    }
    await pause(50);
    await setImmediate();
  }
}

const never = () => new Promise<never>(() => {});
