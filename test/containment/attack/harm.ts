import type { RunAttack } from './source.ts';

/** Jobs by the names of their bodies. */
const jobsOf = (bodies: Record<string, string>): Pick<RunAttack, 'jobs' | 'body'> => ({
  jobs: Object.keys(bodies),
  body: `switch (how) {\n${Object.entries(bodies)
    .map(([name, body]) => `case ${JSON.stringify(name)}: { ${body}\n break; }`)
    .join('\n')}\n}`,
});
/** Its worker's next lines leave as another message. */
const posting = (message: string) =>
  `const { postMessage } = MessagePort.prototype; MessagePort.prototype.postMessage = function (said: any, ...rest: any[]) { return Reflect.apply(postMessage, this, [said?.say === 'lines' ? ${message} : said, ...rest]); }; log.error('hello'); await new Promise((done) => setTimeout(done, 300)); return 'x';`;
const line = (change: string) =>
  posting(`{ say: 'lines', lines: [{ at: 1, level: 'info', job: job.id, message: 'x', data: null, ...${change} }] }`);
const call = (change: string) => posting(`{ say: 'call', seq: 1, id: 1e6, call: ${change} }`);

/** Attacks on whoever receives: messages, values, floods and ends that somebody has to bear. Their agents share a cell, too. */
export const HARM: readonly RunAttack[] = [
  {
    name: 'forges-lines',
    what: 'sends malformed lines in place of those of its worker',
    ...jobsOf({
      time: line('{ at: NaN }'),
      level: line("{ level: 'nope' }"),
      data: line("{ data: '{bad' }"),
    }),
  },
  {
    name: 'forges-names',
    what: 'sends lines and ends of others in place of those of its worker',
    ...jobsOf({
      object: line('{ message: { toJSON: 1 } }'),
      room: line(
        "{ room: 'host', agent: 'victim', worker: 'w1', fault: { code: 'STORE_CORRUPT' }, message: 'FORGED' }",
      ),
      end: posting(
        "{ say: 'ended', seq: 1, startedAt: NaN, durationMs: -1e99, end: { is: 'done', result: '\"FORGED\"' } }",
      ),
    }),
  },
  {
    name: 'forges-calls',
    what: 'asks for rights that it was not granted in place of sending lines',
    ...jobsOf({
      exec: call("{ ask: 'exec', command: 'id', args: [], call: 1, timeoutMs: 900, needs: { exec: ['*'] } }"),
      fleet: call("{ ask: 'fleetReport' }"),
      file: call("{ ask: 'storeFile', agent: 'victim' }"),
      state: call("{ ask: 'setState', agent: 'victim', key: 'length', value: 'FORGED' }"),
    }),
  },
  {
    name: 'clocks',
    what: 'has a clock, a JSON or a prototype of its own',
    ...jobsOf({
      nan: 'Date.now = () => NaN; log.info("x", { a: 1 }); return 1;',
      far: 'Date.now = () => 8.7e15; log.info("x", { a: 1 }); return 1;',
      text: 'Date.now = () => "soon" as any; log.info("x", { a: 1 }); return 1;',
      fraction: 'Date.now = () => performance.timeOrigin + performance.now() + 0.25; return 1;',
      class:
        '(globalThis as any).Date = class { static now() { return -1; } toISOString() { throw new Error("no"); } }; log.info("x"); return 1;',
      json: 'JSON.stringify = () => "{bad" as any; JSON.parse = () => 5; log.info("x", { a: 1 }); return { a: 1 };',
      level:
        '(Object.prototype as any).level = "nope"; (Object.prototype as any).at = NaN; log.info("x", { a: 1 }); return { a: 1 };',
      toJSON:
        '(Object.prototype as any).toJSON = () => ({ say: "constructor" }); (Array.prototype as any).toJSON = () => 5; log.info("x", { a: [1] }); return { a: [1] };',
      iterator:
        'Array.prototype[Symbol.iterator] = function* () { yield 1; } as any; Map.prototype.set = () => 5 as any; Set.prototype.add = () => 5 as any; log.info("x"); return [1];',
      species:
        'Object.defineProperty(Array, Symbol.species, { get: () => class { constructor() { throw new Error("no"); } } }); Object.defineProperty(Promise, Symbol.species, { get: () => null }); log.info("x", { list: [1, 2] }); return [1, 2].map(String);',
      stack:
        'Error.prepareStackTrace = () => { throw new Error("deep"); }; (Error as any).stackTraceLimit = 1e9; throw new Error("x");',
      inspect:
        'const it = { get [Symbol.toStringTag]() { throw new Error("no"); }, [Symbol.for("nodejs.util.inspect.custom")]() { throw new Error("no"); } }; console.log(it, new Proxy({}, { get() { throw new Error("no"); }, ownKeys() { throw new Error("no"); } })); return 1;',
      surrogates:
        'log.info("\\ud800".repeat(9_000), { a: "\\ud800".repeat(9_000), ["\\u001b[2J"]: "\\u001b]0;x\\u0007" }); context.summary("\\u001b[2J\\ud800"); throw Object.assign(new Error("\\u001b[2J\\u202e\\ud800"), { code: "\\u001b[2J" });',
    }),
  },
  {
    name: 'values',
    what: 'returns, sends and keeps values that are hard to take',
    ...jobsOf({
      deep: 'let value: any = 1; for (let i = 0; i < 9_000; i++) value = [value]; await tried("send", () => send("victim", value)); await tried("state", () => state.set("deep", value)); await tried("emit", () => emit("deep", value)); return value;',
      huge: 'await tried("send", () => send("victim", "x".repeat(50e6))); return "x".repeat(100e6);',
      cycle: 'const it: any = {}; it.it = it; log.info("x", it); return it;',
      bigint: 'log.info("x", { a: 5n } as any); return 5n;',
      getter: 'return { get a() { throw new Error("no"); } };',
      toJSON: 'return { toJSON() { return { toJSON() { throw null; } }; } };',
      proxy:
        'return new Proxy({}, { ownKeys: () => Array.from({ length: 1e4 }, (_, i) => "k" + i), getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }), get: () => "v".repeat(1_000) });',
      revoked: 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy;',
      names: 'return JSON.parse(\'{"__proto__":{"level":"nope"},"constructor":{"prototype":{"a":1}}}\');',
      nothing: 'throw null;',
      frozen:
        'throw Object.freeze(Object.assign(Object.create(null), { message: { toString() { throw 1; } }, stack: 5n, code: Symbol("x") }));',
      slashes:
        'const it = new Error("0123456789abcdef-".repeat(900)); it.stack = "/".repeat(8_000) + ":" + "1".repeat(8_000) + "\\n    at " + "/:1".repeat(4_000); throw it;',
      overflow: 'const over = (): number => 1 + over(); return over();',
      keys: 'for (const key of ["__proto__", "constructor", "\\0", "\\u001b[2J", "x".repeat(300), ""]) await state.set(key, 1).catch(() => {}); await state.delete("__proto__"); return (await state.keys()).length;',
      thrown: 'throw new Proxy(new Error("x"), { get() { throw new Error("no"); } });',
      causes: 'const it: any = new AggregateError([], "x"); it.cause = it; it.errors.push(it); throw it;',
    }),
  },
  {
    name: 'floods',
    what: 'floods lines, beats, jobs, topics, state, timers and output',
    ...jobsOf({
      lines:
        'for (const until = Date.now() + 300; Date.now() < until; ) log.error("x".repeat(5_000), { a: "y".repeat(5_000) });',
      prints:
        'for (const until = Date.now() + 300; Date.now() < until; ) { process.stdout.write("x".repeat(10_000) + "\\n"); process.stderr.write("y".repeat(10_000)); (process as any)._rawDebug("z".repeat(1_000)); }',
      beats: 'for (const until = Date.now() + 300; Date.now() < until; ) beat("x".repeat(1e5));',
      sends: 'await Promise.allSettled(Array.from({ length: 900 }, () => send("sink", "x", { priority: 100 })));',
      topics: 'await Promise.allSettled(Array.from({ length: 900 }, (_, i) => emit("flood." + i, "x")));',
      warnings: 'for (let i = 0; i < 5_000; i++) process.emitWarning("w" + i, { code: "W" + i }); return 1;',
      timers: 'for (let i = 0; i < 50_000; i++) setTimeout(() => {}, 1e6); return 1;',
      finalizers:
        'const registry = new FinalizationRegistry(() => {}); for (let i = 0; i < 50_000; i++) registry.register({}, i); return 1;',
      state: 'const big = "x".repeat(900_000); for (let i = 0; i < 100; i++) await state.set("k" + i, big);',
      calls: 'await Promise.allSettled(Array.from({ length: 50_000 }, () => state.keys()));',
      rejections:
        'for (let i = 0; i < 5_000; i++) void Promise.reject(new Error("storm " + i)); await new Promise((done) => setTimeout(done, 200));',
    }),
  },
  {
    name: 'ends',
    what: 'ends its thread, its process or its files in every way that Node knows',
    ...jobsOf({
      code: 'process.exitCode = 9; return 1;',
      before: 'process.on("beforeExit", () => setTimeout(() => {}, 1)); return 1;',
      emitted:
        '(process as any).emit("exit", 9); (process as any).emit("SIGTERM"); (process as any).emit("disconnect"); return 1;',
      drop: 'for (const scope of ["fs.read", "fs.write", "worker", "child", "net", "ffi", "addon"]) try { (process as any).permission.drop(scope); } catch {} return 1;',
      title:
        'process.title = "daruma host"; process.debugPort = 1; (process as any).argv.length = 0; process.env.PATH = at.outside; return 1;',
      wasm: 'const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 }); for (;;) { const from = memory.grow(100) * 65_536; new Uint8Array(memory.buffer, from).fill(1); await new Promise(setImmediate); }',
      exit: 'process.exit(9);',
      really: '(process as any).reallyExit(9);',
    }),
  },
  {
    name: 'stays',
    what: 'cannot be ended by asking: its handlers of ends, of abort and of results loop',
    ...jobsOf({
      exit: 'process.on("exit", () => { for (;;); }); process.exit(0);',
      abort: 'context.signal.addEventListener("abort", () => { for (;;); }); await new Promise(() => {});',
      result: 'return { get a(): any { for (;;); } };',
    }),
  },
  {
    name: 'neighbours',
    what: 'reaches over to other threads of its cell: channels, locks, environment, resources',
    body: `const heard: unknown[] = []; const channels = ['daruma', 'victim', 'control', '', 'x'].map((name) => { const one = new BroadcastChannel(name); one.onmessage = (event: any) => heard.push(event.data); one.postMessage({ say: 'ended' }); return one; });
    const hooks: any = await builtin('async_hooks'); const diagnostics: any = await builtin('diagnostics_channel'); for (const name of ['worker_threads', 'net.client.socket', 'udp.socket', 'http.client.request.start']) diagnostics.subscribe(name, (message: any) => heard.push(name, message));
    process.env.LEFT_BY_NEIGHBOUR = 'left'; await tried('resource', () => { const port: any = hooks.executionAsyncResource(); if (typeof port?.postMessage !== 'function') throw new Error('none'); port.postMessage({ say: 'constructor' }); });
    void navigator.locks.request('daruma', () => new Promise(() => {})); await new Promise((done) => setTimeout(done, 300)); for (const one of channels) one.close(); if (heard.length > 0) got['heard'] = JSON.stringify(heard).slice(0, 500);
    await tried('report', () => { const found = JSON.stringify(process.report.getReport()); if (/cn-/.test(found)) return found; throw new Error('none'); });`,
  },
];
