import { expect, it } from 'vitest';
import { createBus } from '../../src/kernel/bus.ts';

interface Facts {
  counted: number;
  named: string;
}

it('tells a fact to the listeners of its kind, in the order in which they subscribed, before it returns', () => {
  const bus = createBus<Facts>({ error() {} });
  const received: string[] = [];
  bus.on('counted', (count) => received.push(`first ${count}`));
  bus.on('counted', (count) => received.push(`second ${count}`));
  bus.on('named', (name) => received.push(name));
  bus.emit('counted', 1);
  bus.emit('named', 'a');
  expect(received).toEqual(['first 1', 'second 1', 'a']);
});

it('a listener that throws is logged with the kind of the fact, and keeps the fact from nobody else', () => {
  const errors: string[] = [];
  const bus = createBus<Facts>({ error: (message) => void errors.push(message) });
  let received = 0;
  bus.on('counted', () => {
    throw new Error('no');
  });
  bus.on('counted', (count) => {
    received += count;
  });
  expect(() => bus.emit('counted', 2)).not.toThrow();
  expect(received).toBe(2);
  expect(errors).toEqual(['a listener of counted failed']);
});
