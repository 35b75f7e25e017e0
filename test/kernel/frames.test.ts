import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlainFault } from '../../src/kernel/fault.ts';
import { createFrameReader, type FrameBounds, framesOf, openFrameChannel } from '../../src/kernel/frames.ts';

const BOUNDS: FrameBounds = { bytes: 1_000_000, depth: 20, values: 10_000 };

/** The messages that come out when the bytes arrive in pieces that end at the cuts. */
function readIn(bytes: Buffer, cuts: readonly number[], bounds = BOUNDS): unknown[] {
  const messages: unknown[] = [];
  const read = createFrameReader((message) => messages.push(message), bounds);
  let from = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
    if (cut > from) read(bytes.subarray(from, cut));
    from = Math.max(from, cut);
  }
  return messages;
}

function frame(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

const message = fc.jsonValue({ maxDepth: 6 });
const cuts = fc.array(fc.nat(), { maxLength: 30 });

describe('frames', () => {
  it('bring back what was sent, however the pipe splits it', () => {
    fc.assert(
      fc.property(fc.array(fc.array(message, { minLength: 1, maxLength: 4 }), { maxLength: 5 }), cuts, (sent, at) => {
        const bytes = Buffer.concat(sent.flatMap((batch) => framesOf(batch)));
        expect(readIn(bytes, at)).toEqual(JSON.parse(JSON.stringify(sent)));
      }),
      { numRuns: 500 },
    );
  });

  it('come one by one as soon as each is whole', () => {
    const [first] = framesOf(['one']);
    const [second] = framesOf(['two']);
    const messages: unknown[] = [];
    const read = createFrameReader((message) => messages.push(message), BOUNDS);
    read(Buffer.concat([first!, second!.subarray(0, 6)]));
    expect(messages).toEqual([['one']]);
    read(second!.subarray(6));
    expect(messages).toEqual([['one'], ['two']]);
  });

  it('split a long array of messages, and keep its order', () => {
    const sent = Array.from({ length: 100 }, (_, at) => ({ at, text: 'x'.repeat(30_000) }));
    const frames = framesOf(sent);
    expect(frames.length).toBeGreaterThan(2);
    expect(Math.max(...frames.map(({ length }) => length))).toBeLessThan(1_100_000);
    expect(readIn(Buffer.concat(frames), [], { ...BOUNDS, bytes: 1_100_000 }).flat()).toEqual(sent);
  });

  it('are judged by their length before a byte of them is kept', () => {
    const read = createFrameReader(() => {}, BOUNDS);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(BOUNDS.bytes + 1);
    read(head.subarray(0, 3));
    expect(() => read(head.subarray(3))).toThrow('a message of 1000001 bytes; at most 1000000');
  });

  it('are refused when they are nested too deep, hold too many values or a number without end', () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(readIn(frame(deep(20)), [])).toHaveLength(1);
    expect(() => readIn(frame(deep(21)), [])).toThrow('nested more than 20 deep');
    expect(() => readIn(frame(`{"a":${deep(20)}}`), [])).toThrow('nested more than 20 deep');
    expect(() => readIn(frame(`[${'0,'.repeat(10_000)}0]`), [])).toThrow('more than 10000 values');
    expect(() => readIn(frame(`[${'[],'.repeat(5_001)}[]]`), [])).toThrow('more than 10000 values');
    for (const number of ['1e999', '-1e999', '9'.repeat(400), '1E+400']) {
      expect(() => readIn(frame(`[${number}]`), [])).toThrow('not finite');
    }
    expect(readIn(frame('[1e300,5e-324,-0.1,true,false,null]'), [])).toEqual([
      [1e300, 5e-324, -0.1, true, false, null],
    ]);
  });

  it('count nothing that stands in a text', () => {
    const text = '[[[{{{,,,1e999"\\'.repeat(2_000);
    expect(readIn(frame(JSON.stringify([text])), [])).toEqual([[text]]);
  });

  it('that are garbage throw, and never anything but an error', () => {
    for (const body of ['', '{', '[1', '"', '"\\', 'nul', '-', '1e', '}', ']]', Buffer.from([0xff, 0xfe, 0x5b])]) {
      expect(() => readIn(frame(body), [])).toThrow('no JSON');
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (bytes, at) => {
        try {
          readIn(frame(Buffer.from(bytes)), at);
        } catch (error) {
          expect((error as Error).message).toMatch(/^a (message|number)/);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a frame channel', () => {
  function opened(receive: (message: unknown) => void = () => {}) {
    const pipe = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const broken: PlainFault[] = [];
    const channel = openFrameChannel(pipe, { receive, broken: (why) => broken.push(why) }, BOUNDS);
    return { pipe, channel, broken };
  }

  /** Whether all that was put into the pipe has been read from it. */
  const drained = (pipe: Duplex) => new Promise((resolve) => pipe.once('end', resolve));

  it('is broken once by what is no message, and reads nothing more', async () => {
    const messages: unknown[] = [];
    const { pipe, broken } = opened((message) => messages.push(message));
    pipe.push(framesOf(['good'])[0]);
    pipe.push(Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]));
    pipe.push(framesOf(['late'])[0]);
    pipe.push(null);
    await drained(pipe);
    expect(messages).toEqual([['good']]);
    expect(broken.map((why) => why.message)).toEqual(['a message that is no JSON']);
  });

  it('lets nothing out that is thrown while a message is handled', async () => {
    const { pipe, broken } = opened(() => {
      throw new TypeError('cannot read that');
    });
    pipe.push(framesOf([1])[0]);
    pipe.push(framesOf([2])[0]);
    pipe.push(null);
    await drained(pipe);
    expect(broken.map((why) => why.message)).toEqual(['cannot read that']);
  });
});
