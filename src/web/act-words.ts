import type { Op, Ops } from '../control/protocol.ts';
import { actedWords } from '../control/words/batch.ts';
import { type Clock, fullTime } from '../kernel/clock.ts';
import { shortId } from '../kernel/short-id.ts';
import type { OPERATIONS } from '../operations/table.ts';

type ActOp = { [O in Op]: (typeof OPERATIONS)[O]['kind'] extends 'act' ? O : never }[Op];

/** The result of an act, in a sentence. */
type Sentence<O extends ActOp> = (value: Ops[O]['value'], args: Ops[O]['args'], clock: Clock) => string;

const jobs = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? 'job' : 'jobs'}`;
const many = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`;
const at = (iso: string, clock: Clock) => fullTime(Date.parse(iso), clock);
const untilWords = (until: string | null | undefined, clock: Clock, who: string) =>
  until ? `until ${at(until, clock)}` : `until you resume ${who}`;

/** The end of an act on one job, or on many by a batch. */
function manyWords(value: Ops['replay']['value'], one: string, act: 'replay' | 'drop' | 'cancel'): string {
  const { count, jobs: ids, batch, dryRun, stale = 0 } = value;
  if (dryRun) return `${jobs(count)} would be taken; nothing was done.`;
  if (!batch) return count === 1 ? `${ids[0]} ${one}.` : 'No job matches: nothing was done.';
  const left = stale > 0 ? `, ${stale} ${actedWords(act, 'stale')}` : '';
  return `${batch} is done: ${jobs(count)} ${actedWords(act, 'done')}${left}.`;
}

/** A sentence for every operation that acts. The page shows it after the act, so a person reads what happened and to whom. */
const SENTENCES: { [O in ActOp]: Sentence<O> } = {
  ack: ({ id, endedAt, state }) =>
    state === 'closed' || endedAt === null ? `${id} is closed.` : `${id} had ended before; your note is kept.`,
  mute: ({ id, mutedUntil }, _, clock) =>
    mutedUntil
      ? `Nobody is told of the cause of ${id} until ${at(mutedUntil, clock)}.`
      : `The cause of ${id} is muted.`,
  alertsTest: (tests) =>
    tests.every(({ ok }) => ok) ? 'Each channel delivered the test.' : 'A channel did not deliver the test.',
  maintenanceStart: ({ agent, until }, _, clock) =>
    `Nobody is told of ${agent ?? 'anything'} until ${at(until, clock)}.`,
  maintenanceEnd: () => 'You are told of everything again.',
  unmute: ({ id }) => `You are told of the cause of ${id} again.`,
  pause: ({ agent, until }, _, clock) => `${agent} is paused ${untilWords(until, clock, 'it')}.`,
  resume: ({ agent }) => `${agent} runs again.`,
  pauseAll(all, _, clock) {
    if (all.length === 0) return 'There is no agent to pause.';
    return `All agents are paused ${untilWords(all[0]!.until, clock, 'them')}.`;
  },
  resumeAll: (all) => (all.length === 0 ? 'There is no agent to resume.' : 'All agents run again.'),
  drillModels: (rows) =>
    `${rows.filter(({ repairMs }) => repairMs !== null).length} of ${many(rows.length, 'rung')} are proven.`,
  drillDone: () => 'The result is kept.',
  restart({ agent, workers, jobs: ids, now }) {
    const rest =
      ids.length === 0 ? '' : now ? `; ${ids.join(', ')} runs again` : ` as soon as ${ids.join(', ')} has ended`;
    return `${agent} gets ${workers.length === 1 ? 'a new worker' : `${workers.length} new workers`}${rest}.`;
  },
  level: ({ agent, level }) => `${agent} logs from level ${level} on.`,
  stateSet: (_, { agent, key, value }) => `${key} of ${agent} is ${value === undefined ? 'deleted' : 'set'}.`,
  stateMove: ({ moved, kept }, { from, to }) =>
    `${to} has ${many(moved.length, 'key')} of ${from}${kept.length > 0 ? `; ${many(kept.length, 'key')} it had itself` : ''}.`,
  rollback: ({ agent, version, before }) =>
    version === before
      ? `${agent} stays on version ${shortId(version)}.`
      : `${agent} is on version ${shortId(version)} again, after ${shortId(before)}.`,
  rehearse: ({ jobs: rehearsed }) =>
    `The newest source was rehearsed on ${jobs(rehearsed.length)}; nothing of it got out.`,
  dryRun: ({ agent, effects }) =>
    `${agent} ran dry: ${many(effects?.length ?? 0, 'effect')} that it would have had; nothing of it got out.`,
  learn: ({ agent, added, unused }) =>
    `${agent} ran to see what it uses: ${many(added.length, 'need')} to add, ${unused.length} unused.`,
  run: ({ id, agent, state, usedKey }) =>
    usedKey
      ? `Nothing was queued: ${id} of ${agent} has the key already, and is ${usedKey.state}.`
      : `${id} of ${agent} is ${state}.`,
  deliver: ({ id, agent }, { job }) => `The delivery of ${job} is given to ${agent} once more, as ${id}.`,
  cancel: ({ id, agent }) => `${id} of ${agent} is cancelled.`,
  cancelMany: (value) => manyWords(value, 'is cancelled', 'cancel'),
  replay: (value) => manyWords(value, 'is queued again, with all its attempts', 'replay'),
  drop: (value) => manyWords(value, 'is given up: it leaves the dead letters', 'drop'),
  batchStart: ({ id }) => `${id} has begun; this page follows it.`,
  batchCancel: ({ id, left }) => `${id} is ended; ${jobs(left)} ${left === 1 ? 'was' : 'were'} left alone.`,
  apply: () => 'What was planned is done.',
  assistantAllow: ({ name, role, until }, _, clock) =>
    `The assistant ${name} may ask as ${role} until ${at(until, clock)}; its token is shown by daruma mcp allow alone.`,
  assistantRevoke: (_, { name }) => `The token of the assistant ${name} is good no more.`,
  pingForget: ({ name, forgotten }) =>
    forgotten ? `Nothing waits for the pings of ${name} any more.` : `${name} has never pinged.`,
  configRollback: ({ changed }) =>
    `The settings that last worked are in force: ${many(changed.length, 'setting')} went back.`,
  configForce: ({ changed }) => `config/daruma.yaml counts as good: ${many(changed.length, 'setting')} changed.`,
  storeMend: ({ mended }) =>
    mended === 0
      ? 'Every row of the store can be read.'
      : `${many(mended, 'row')} that could not be read ${mended === 1 ? 'is' : 'are'} set aside.`,
  open: ({ role, until }, _, clock) => `A link for one browser was made, as ${role}, until ${at(until, clock)}.`,
  stop: () => 'The host is stopping.',
};

/** The result of an act, and the page that shows it where the act made one. */
interface ActOutcome {
  text: string;
  to?: string;
}

/** The outcome of an act. `op` is one of the acts of the table. */
export function outcomeOf(op: Op, value: unknown, args: unknown, clock: Clock): ActOutcome {
  const sentence = SENTENCES[op as ActOp] as Sentence<ActOp>;
  const text = sentence(value as never, args as never, clock);
  return op === 'batchStart' ? { text, to: `/batches/${(value as Ops['batchStart']['value']).id}` } : { text };
}
