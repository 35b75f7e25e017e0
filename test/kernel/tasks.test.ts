import { expect, it } from 'vitest';
import { createTasks } from '../../src/kernel/service.ts';

it('tasks are settled when all of them have ended, those that came meanwhile included; failures are handed on', async () => {
  const failures: unknown[] = [];
  const tasks = createTasks((error) => failures.push(error));
  await tasks.settled();
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  tasks.add(first.promise);
  let isSettled = false;
  const settled = tasks.settled().then(() => {
    isSettled = true;
  });
  tasks.add(second.promise);
  expect(tasks.count()).toBe(2);
  first.reject(new Error('no'));
  await new Promise(setImmediate);
  expect([tasks.count(), isSettled]).toEqual([1, false]);
  second.resolve();
  await settled;
  expect([tasks.count(), failures]).toEqual([0, [new Error('no')]]);
});
