import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decideHandles, type HandleFact, type HandleName } from '../../src/host/lifecycle/handles.ts';

const THINGS: HandleName[] = ['folder', 'store', 'store-log', 'lock', 'code', 'socket', 'log', 'host-file'];
const MADE_ANEW: HandleName[] = ['socket', 'log', 'host-file'];
const NOBODY: ReadonlySet<HandleName> = new Set();

const well = (what: HandleName): HandleFact => ({ what, path: `/ops/${what}`, has: '1:1', named: '1:1' });
const all = (off: Partial<Record<HandleName, string>> = {}) =>
  THINGS.map((what) => ({ ...well(what), named: off[what] ?? '1:1' }));
/** What follows when the same is seen in two looks. */
const twice = (facts: HandleFact[], movedTo?: string) => {
  const first = decideHandles(facts, NOBODY, movedTo);
  return first.do === 'go-on' ? decideHandles(facts, first.suspects, movedTo) : first;
};

it('goes on as long as each name has what is held', () => {
  expect(twice(all())).toEqual({ do: 'go-on', repair: [], suspects: NOBODY });
});

it('makes anew what can be: socket, log, host.json', () => {
  for (const what of MADE_ANEW) {
    for (const named of ['nothing', '1:2']) {
      const decision = decideHandles(all({ [what]: named }), NOBODY, undefined);
      expect(decision).toMatchObject({ do: 'go-on', repair: [{ what }] });
    }
  }
});

it('starts anew for a lock, a log of the store or a folder of code that is gone: the store is the same', () => {
  for (const what of ['lock', 'store-log', 'code'] as const) {
    expect(twice(all({ [what]: 'nothing' }))).toEqual({
      do: 'start-again',
      why: `/ops/${what} was removed while the host had it open`,
    });
  }
});

it('ends for a store that is gone, whatever else is, with the reason and the next step', () => {
  const gone = twice(all({ store: 'nothing', lock: 'nothing', socket: 'nothing', 'host-file': 'nothing' }));
  expect(gone).toMatchObject({ do: 'end', fault: { code: 'STORE_REMOVED', next: expect.stringContaining('daruma') } });
  expect(twice(all({ store: '1:2' }))).toMatchObject({ do: 'end', fault: { code: 'STORE_REPLACED' } });
});

it('ends for a folder that was moved, and says where it is', () => {
  const moved = all(Object.fromEntries(THINGS.map((what) => [what, 'nothing'])));
  expect(twice(moved, '/new place')).toMatchObject({
    do: 'end',
    fault: { code: 'FOLDER_MOVED', next: "daruma start --dir '/new place'" },
  });
  expect(twice(moved)).toMatchObject({ do: 'end', fault: { code: 'FOLDER_REMOVED' } });
});

it('believes no single look, no disk that is away, and makes nothing in a folder that may be another one', () => {
  const facts = fc.tuple(
    ...THINGS.map((what) =>
      fc.record({
        what: fc.constant(what),
        path: fc.constant(`/ops/${what}`),
        has: fc.constantFrom(undefined, '1:1'),
        named: fc.constantFrom('1:1', '1:2', 'nothing', 'unknown'),
      }),
    ),
  );
  const sets = fc.uniqueArray(fc.constantFrom(...THINGS)).map((list) => new Set(list));
  fc.assert(
    fc.property(facts, sets, (list, before) => {
      const decision = decideHandles(list, before, undefined);
      const off = list.filter(({ has, named }) => has !== undefined && named !== 'unknown' && named !== has);
      const grave = off.filter(({ what }) => !MADE_ANEW.includes(what)).map(({ what }) => what);
      expect(decision.do === 'go-on').toBe(!grave.some((what) => before.has(what)));
      if (decision.do !== 'go-on') return;
      expect([...decision.suspects]).toEqual([...new Set(grave)]);
      expect(decision.repair).toEqual(grave.length > 0 ? [] : off);
    }),
  );
});
