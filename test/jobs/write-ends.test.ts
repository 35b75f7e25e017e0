import { expect, it } from 'vitest';
import { writeSettlements } from '../../src/jobs/attempt-ends.ts';
import type { Settlement } from '../../src/jobs/ports.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { checkWrite } from '../../src/store/checks.ts';

const NOW = Date.UTC(2026, 10, 27);
const end = (job: string, more: Partial<Settlement> = {}): Settlement => ({
  job,
  attempt: 1,
  state: 'done',
  startedAt: NOW,
  finishedAt: NOW,
  result: '1',
  ...more,
});

function checkedStore() {
  const kept: Settlement[] = [];
  const settle = async (ends: Settlement[]) => {
    checkWrite('settle', [ends]);
    kept.push(...ends);
    return ends.map(({ job }) => job !== 'job-late');
  };
  return { kept, settle };
}

it('one end that no store takes holds up no other, and its job is a dead letter that says why', async () => {
  const store = checkedStore();
  const odd = end('job-2', { summary: { text: 'x' } as never });
  const written = await writeSettlements(store, [end('job-1'), odd, end('job-late')], NOW);
  expect(written.map(({ settlement: { job, state }, isAccepted }) => [job, state, isAccepted])).toEqual([
    ['job-1', 'done', true],
    ['job-2', 'dead', true],
    ['job-late', 'done', false],
  ]);
  expect(store.kept[1]?.error?.message).toMatch(
    /^its end cannot be written down: the store takes no summary an object/,
  );
});

it('what the store refuses for its own sake is offered again by the caller', async () => {
  const full = new Fault({ code: 'STORE_FULL', message: 'no space' });
  await expect(writeSettlements({ settle: () => Promise.reject(full) }, [end('job-1')], NOW)).rejects.toBe(full);
});
