import { expect, test } from 'vitest';
import { createLineHub } from '../../src/workers/inside/line-hub.ts';
import type { FromCell, ThreadLine } from '../../src/workers/wire.ts';

const line = (message: string): ThreadLine => ({ at: 1, level: 'info', job: 'j1', message, data: null });

/** The messages of all batches that were sent. */
const sentOf = (said: FromCell[]) =>
  said.map((message) =>
    message.say === 'lines' ? message.parts.flatMap(({ lines }) => lines.map((one) => one.message)) : message.say,
  );

test('the last lines of a worker go before the news of its end, and those of others in their turn', async () => {
  const said: FromCell[] = [];
  const taken: string[] = [];
  const hub = createLineHub((message) => void said.push(message));
  hub.put(1, [line('other')], () => taken.push('w1'));
  hub.put(2, [line('last'), line('words')], () => taken.push('w2'));
  hub.flushOf(2);
  expect(sentOf(said)).toEqual([['last', 'words']]);
  expect(taken).toEqual(['w2']);
  await new Promise(setImmediate);
  expect(sentOf(said)).toEqual([['last', 'words'], ['other']]);
  hub.flushOf(2);
  expect(said).toHaveLength(2);
});

test('the last lines of a worker go also when the host has not taken what is underway', async () => {
  const said: FromCell[] = [];
  const hub = createLineHub((message) => void said.push(message));
  for (let batch = 0; batch < 4; batch++) {
    hub.put(1, [line(`batch ${batch}`)], () => {});
    await new Promise(setImmediate);
  }
  hub.put(1, [line('waits')], () => {});
  hub.put(2, [line('last')], () => {});
  await new Promise(setImmediate);
  expect(said).toHaveLength(4);
  hub.flushOf(2);
  expect(sentOf(said).at(-1)).toEqual(['last']);
  hub.received(5);
  expect(sentOf(said).at(-1)).toEqual(['waits']);
});
