import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { fuzzMessages } from '../../scripts/fuzz/faults/messages.ts';

it('mutated messages are taken or refused at each hop: nothing else is thrown, each attempt comes back once, and no thread says what its cell would die of', () => {
  const counts = fuzzMessages(1, 800, tmpdir());
  for (const [hop, { taken, refused, wrong }] of Object.entries(counts)) {
    expect(wrong, hop).toEqual([]);
    expect(taken, hop).toBeGreaterThan(50);
    expect(refused, hop).toBeGreaterThan(50);
  }
});
