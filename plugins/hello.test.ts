import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

// A real worker with the plugin's own rights and limits. Calls of fetch are answered here: { http: [{ url, body }] }
it('says what it is told to', async () => {
  const { state, result, logs } = await runPlugin('hello', { settings: { greeting: 'good morning' } });

  expect(state).toBe('done');
  expect(result).toEqual({ said: 'good morning' });
  expect(logs.map(({ message }) => message)).toEqual(['good morning']);
});
