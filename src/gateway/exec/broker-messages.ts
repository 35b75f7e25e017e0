import { BOUNDS } from '../../kernel/bounds.ts';
import type { FrameBounds } from '../../kernel/frames.ts';
import { MB } from '../../kernel/measures.ts';
import {
  type Check,
  checkMessage,
  isBoolean,
  listOf,
  mismatchOf,
  oneOf,
  orNull,
  type Shape,
  shapeOf,
  textUpTo,
  wholeWithin,
} from '../../kernel/shape.ts';
import { type FromBroker, MOST_NAMES, MOST_READINGS } from './wire.ts';

/** The number of the pipe between host and broker, in the broker. */
export const BROKER_FD = 3;
/** The longest frame of the broker: a byte of output is six characters of JSON at most, and a result has two streams. */
export const FROM_BROKER: FrameBounds = { bytes: 104 * MB, depth: 8, values: 8 * MOST_READINGS };
/** The longest frame that the broker takes from its host: an input of 8 MB and arguments. */
export const TO_BROKER: FrameBounds = { bytes: 128 * MB, depth: 8, values: 400_000 };

/** The line about what was left out of an output, and the two characters that are cut in half at its sides. */
const CUT_NOTE = 64;
const whole = wholeWithin({ least: 0, most: Number.MAX_SAFE_INTEGER });
const pid = wholeWithin({ least: 1, most: 2 ** 31 });
const name = textUpTo(256);
const mark = textUpTo(1_024);
const sentence = textUpTo(16 * 1024);
const output = textUpTo(BOUNDS.output.most + CUT_NOTE);

const PROCESS: Shape = { pid, command: name, rssBytes: whole };
const RESULT = shapeOf({
  code: orNull(wholeWithin({ least: 0, most: 255 })),
  signal: orNull(name),
  stdout: output,
  stderr: output,
  truncated: isBoolean,
  tookMs: whole,
});
const ENDS: Readonly<Record<string, Shape>> = {
  ended: { result: RESULT },
  stopped: { why: oneOf(['timeout', 'stopped', 'ended']), result: RESULT },
  unstarted: { message: sentence },
};
const isEnd: Check = (value) => {
  const { is } = (value ?? {}) as { is?: unknown };
  return typeof is === 'string' && Object.hasOwn(ENDS, is) && mismatchOf(value, ENDS[is]!) === undefined;
};

const SHAPES: Readonly<Record<FromBroker['say'], Shape>> = {
  ready: { killed: whole, noCgroup: orNull(sentence) },
  waiting: { child: shapeOf({ pid, start: whole, mark }) },
  ended: { mark, end: isEnd },
  gone: { mark, left: whole, names: listOf(shapeOf(PROCESS), MOST_NAMES), cpuMs: whole },
  readings: { children: listOf(shapeOf({ mark, ...PROCESS }), MOST_READINGS) },
};

/** Throws for what is no message of a broker; the error repeats none of its text. */
export function readFromBroker(message: unknown): FromBroker {
  checkMessage(message, SHAPES);
  return message as FromBroker;
}
