import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

const plugin = new URL('./inbox.ts', import.meta.url);

it('sends each message on, and asks for those after it', async () => {
  const enough = new AbortController();
  const asked: string[] = [];
  const { state, sends, stateAfter } = await runPlugin(plugin, {
    stop: enough.signal,
    http: ({ url }) => {
      asked.push(url);
      if (asked.length === 2) enough.abort();
      return Response.json({ messages: asked.length === 1 ? [{ id: 7, text: 'hello' }] : [] });
    },
  });
  expect(state).toBe('done');
  expect(asked).toEqual(['http://127.0.0.1:8090/?after=0', 'http://127.0.0.1:8090/?after=7']);
  expect(sends).toMatchObject([{ agent: 'post-file', input: { text: 'hello' }, key: 'message:7' }]);
  expect(stateAfter).toEqual({ seen: 7 });
});

it('has to be told when to stop', async () => {
  await expect(runPlugin(plugin)).rejects.toThrow('runs always: the test has to say when it is to stop');
});
