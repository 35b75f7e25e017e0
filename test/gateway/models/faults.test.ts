import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultRounds, startFaultGateway } from './fault-rounds.ts';
import { FAULT_NAMES } from './servers/faults.ts';

const ROUNDS = 2;

describe('a fault of the first rung, over a real gateway process', () => {
  let to: Awaited<ReturnType<typeof startFaultGateway>>;
  beforeAll(async () => {
    to = await startFaultGateway(400, 300);
  });
  afterAll(() => to?.stop());

  for (const isStream of [false, true])
    it(`ends each ${isStream ? 'streamed' : 'whole'} call as its verdict says, and nothing is charged twice`, async () => {
      for (const fault of FAULT_NAMES) {
        // Learnt in the first round and never sent again.
        const isLearnt = fault === '400 unsupported' || fault === '400 effort';
        if (isLearnt && isStream) continue;
        const { wrong, doubleSpends } = await faultRounds(to, fault, isStream, isLearnt ? 1 : ROUNDS);
        expect([fault, wrong, doubleSpends]).toEqual([fault, [], 0]);
      }
    });
});
