import { Fault } from './fault.ts';
import { apply, defineProperty, getPrototypeOf } from './primordials.ts';

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

/** Descriptors that a realm opened itself, by number; `handle`: by `fs.promises.open`. */
export type OwnDescriptors = Record<number, true | 'handle' | undefined>;

/** The class of the handles that `fs.promises.open` gives, closed to forgers. */
export interface HandleClass {
  /**
   * Guards `fs.promises` of this realm: only a handle that its own `open` gave works, and on the descriptor that it opened.
   * `own`: where descriptors of open handles are noted.
   */
  guard(promises: object, own: OwnDescriptors, who: string): void;
}

/** The parts of a handle. */
interface Parts {
  prototype: Methods;
  rawPrototype: object;
  /** The symbol under which a handle keeps its descriptor. */
  ofDescriptor: symbol;
  /** The symbol under which a handle keeps Node's own object. */
  ofRaw: symbol;
  /** The descriptor of Node's own object; throws for any other object. */
  descriptorOf: Method;
}

/** Functions of `fs.promises` that take a handle in place of a path. */
const OF_HANDLES = ['readFile', 'writeFile', 'appendFile'];

/**
 * Takes the class apart before foreign code is there, which could make a handle of any number by its constructors. `file`: any
 * file that may be read. Call this once in a realm.
 */
export async function closeHandleClass(file: string): Promise<HandleClass> {
  const { promises } = process.getBuiltinModule('node:fs');
  const { fileURLToPath } = process.getBuiltinModule('node:url');
  const first = await promises.open(file);
  const symbols = Object.getOwnPropertySymbols(first);
  const symbolOf = (name: string) => symbols.find(({ description }) => description === name)!;
  const ofRaw = symbolOf('kHandle');
  const raw = (first as unknown as Record<symbol, { closeSync(): void }>)[ofRaw]!;
  const rawPrototype = getPrototypeOf(raw)!;
  const parts: Parts = {
    prototype: getPrototypeOf(first) as Methods,
    rawPrototype,
    ofDescriptor: symbolOf('kFd'),
    ofRaw,
    descriptorOf: Object.getOwnPropertyDescriptor(rawPrototype, 'fd')!.get as Method,
  };
  raw.closeSync();
  return {
    guard(target, own, who) {
      const held = createHeld(parts, own, who);
      guardMethods(parts, held);
      guardFunctions(target as Methods, held, fileURLToPath as Method);
    },
  };
}

interface Held {
  has(handle: object): boolean;
  /** Throws for an object that is no held handle, or whose descriptor was closed. */
  check(handle: object): void;
  /** From now on the handle keeps what it opened, whatever a plugin writes into it. */
  hold(handle: object): void;
  refuse(): never;
}

function createHeld({ ofDescriptor, ofRaw, descriptorOf }: Parts, own: OwnDescriptors, who: string): Held {
  const known = new WeakMap<object, () => number>();
  const [get, set] = [known.get, known.set] as Method[];
  const descriptor = (handle: object) => (apply(get!, known, [handle]) as (() => number) | undefined)?.();

  function refuse(): never {
    throw new Fault({
      code: 'NOT_ALLOWED',
      message: `a file handle was not opened by ${who}, or is closed`,
      next: 'open the file by its path, and close it by its handle',
    });
  }

  return {
    refuse,
    has: (handle) => descriptor(handle) !== undefined,
    check(handle) {
      const fd = descriptor(handle);
      if (fd === undefined || (fd >= 0 && own[fd] !== 'handle')) refuse();
    },
    hold(handle) {
      let raw = (handle as Record<symbol, unknown>)[ofRaw];
      let fd = apply(descriptorOf, raw, []) as number;
      own[fd] = 'handle';
      defineProperty(handle, ofRaw, {
        get: () => raw,
        set(value) {
          if (value === null) raw = value;
        },
      });
      defineProperty(handle, ofDescriptor, {
        get: () => fd,
        set(value) {
          if (value !== -1 || fd === -1) return;
          own[fd] = undefined;
          fd = -1;
        },
      });
      apply(set!, known, [handle, () => fd]);
    },
  };
}

function guardMethods({ prototype, rawPrototype }: Parts, held: Held): void {
  for (const each of [prototype, rawPrototype]) defineProperty(each, 'constructor', { value: held.refuse });
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const { value: plain } = Object.getOwnPropertyDescriptor(prototype, name)!;
    if (name === 'constructor' || typeof plain !== 'function') continue;
    prototype[name] = function (this: object, ...args) {
      held.check(this);
      return apply(plain as Method, this, args);
    };
  }
}

function guardFunctions(promises: Methods, held: Held, pathOf: Method): void {
  const { isView } = ArrayBuffer;
  const open = promises.open!;
  promises.open = async function (this: unknown, ...args) {
    const opened = apply(open, this, args) as Promise<object>;
    // An own property keeps `await` from asking the prototype, where a plugin may have put a getter.
    defineProperty(opened, 'constructor', { value: Promise });
    const handle = await opened;
    held.hold(handle);
    return handle;
  };
  for (const name of OF_HANDLES) {
    const plain = promises[name]!;
    promises[name] = function (this: unknown, ...args) {
      const [at] = args;
      if (typeof at !== 'object' || at === null || isView(at)) return apply(plain, this, args);
      if (held.has(at)) held.check(at);
      // An object that says that it is a handle is asked for a path.
      else args[0] = pathOf(at);
      return apply(plain, this, args);
    };
  }
}
