/** A fault whose cause is known, for the diagnosis drill. */
export interface KnownFault {
  name: string;
  /** The agent and its plugin, as a file. */
  plugin: string;
  /** The version that worked, which comes first; left out: there is none. */
  before?: string;
  /** The verdict of its incident. */
  verdict: string;
  /** The incident of this fault is the host's own. */
  ofHost?: true;
  /** The true cause, as words of cause and advice. */
  cause: RegExp;
  /** Kinds of evidence that show it: an answer rests on one of them at least. */
  shownBy: RegExp;
  /** Remedies that do no harm here; `null`: none is right, too. */
  harmless: readonly (string | null)[];
}

const LIMITS = `limits: { memory: '48MB', timeout: '2s', silence: '30s', grace: '200ms', attempts: 2, backoff: { first: '1ms', longest: '1ms' } }`;
const plugin = (about: string, body: string, more = '', head = '') => `import { definePlugin } from 'daruma';
${head}
export default definePlugin({
  about: '${about}',
  ${LIMITS},${more}
  async run({ log, fetch, beat }) {
${body}
  },
});
`;

const SUMS = (line: string) =>
  plugin(
    'Adds up the orders of a day.',
    `    const orders = [{ items: [{ price: 3, count: 2 }] }, { items: [] }, { items: [{ price: 5, count: 1 }] }];
    ${line}
    return { sum };`,
  );

/**
 * The faults of the diagnosis drill. A secret that is missing and a budget of the disk that is used up are not among them: the host
 * knows these causes itself, and they never escalate.
 */
export const KNOWN_FAULTS: readonly KnownFault[] = [
  {
    name: 'leak',
    plugin: plugin(
      'Counts the words of pages.',
      `    for (let page = 0; ; page++) {
      words.set('page ' + page, Array.from({ length: 20_000 }, (_, n) => 'word ' + n + ' of page ' + page));
      beat('page ' + page);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }`,
      '',
      'const words = new Map<string, string[]>();',
    ).replace("timeout: '2s'", "timeout: '60s'"),
    verdict: 'over-limit|out-of-memory|cell-lost',
    cause:
      /leak|grow|unbounded|without (?:a )?(?:bound|limit)|never (?:freed|cleared|deleted|evicted|removed)|accumulat|memory/i,
    shownBy: /^(?:heap profile|memory|source|fault|seen)/,
    harmless: [null, 'recycle', 'fresh-worker', 'own-cell'],
  },
  {
    name: 'hang',
    plugin: plugin(
      'Takes a list of prices apart.',
      `    const text = '3;5;8';
    const prices: string[] = [];
    let at = 0;
    while (at < text.length) {
      const end = text.indexOf(';', at);
      if (end > at) prices.push(text.slice(at, end));
      at = end === -1 ? at : end + 1;
    }
    return { prices };`,
    ),
    verdict: 'stuck',
    cause:
      /endless|infinite|never (?:ends|end|terminat|advance|leaves|exit|reach)|loop|not advance|does not (?:move|end|terminate)/i,
    shownBy: /^(?:cpu profile|thread|source|fault|seen)/,
    harmless: [null, 'recycle', 'fresh-worker', 'own-cell'],
  },
  {
    name: 'silence',
    plugin: plugin(
      'Waits for its turn and cleans up.',
      `    log.info('waiting for the lock');
    await lock.take();
    await lock.take();
    return { done: true };`,
      '',
      `const lock = { waiting: [] as (() => void)[], taken: false,
  take() { return this.taken ? new Promise<void>((resolve) => this.waiting.push(resolve)) : Promise.resolve(void (this.taken = true)); } };`,
    )
      .replace("silence: '30s'", "silence: '1500ms'")
      .replace("timeout: '2s'", "timeout: '60s'"),
    verdict: 'silent',
    cause: /lock|never (?:resolve|settle|release|fulfil)|dead-?lock|promise|waits? for/i,
    shownBy: /^(?:log|thread|source|fault|seen)/,
    harmless: [null, 'recycle', 'fresh-worker', 'own-cell'],
  },
  {
    name: 'timer',
    plugin: plugin(
      'Tells how long a report takes.',
      `    setInterval(() => log.info(state.report!.lines.length + ' lines'), 20);
    state.report = { lines: ['a'] };
    await new Promise((resolve) => setTimeout(resolve, 50));
    state.report = null;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return { lines: 1 };`,
      '',
      'const state: { report: { lines: string[] } | null } = { report: null };',
    ),
    verdict: 'crashed',
    cause: /interval|timer|null|cleared|clearInterval/i,
    shownBy: /^(?:fault|source|log|seen)/,
    harmless: [null, 'recycle', 'fresh-worker', 'own-cell'],
  },
  {
    name: 'address',
    plugin: plugin(
      'Fetches the prices of the day.',
      `    log.info('asking for prices');
    const answer = await fetch('http://127.0.0.1:64999/prices.json');
    return { status: answer.status };`,
      "\n  needs: { net: ['127.0.0.1'] },",
    ),
    verdict: 'failing-over',
    ofHost: true,
    cause:
      /refus|not (?:running|listening|reachable|available)|unreachable|wrong (?:port|url|address)|down|no (?:server|service|process)|port 64999/i,
    shownBy: /^(?:fault|seen|log|source|remedy)/,
    harmless: [null],
  },
  {
    name: 'regression',
    before: SUMS(
      'const sum = orders.flatMap((order) => order.items).reduce((all, one) => all + one.price * one.count, 0);',
    ),
    plugin: SUMS(
      'const sum = orders.map((order) => order.items[0]!.price * order.items[0]!.count).reduce((a, b) => a + b);',
    ),
    verdict: 'bad-version',
    cause: /items\[0\]|first item|empty|undefined|without items|no items/i,
    shownBy: /^(?:diff|source|fault)/,
    harmless: [null],
  },
];

/** The answer of a model to a known fault. */
interface ScoredAnswer {
  cause: string;
  advice: string;
  evidenceIds: string[];
  remedy: string | null;
}

/** Scores an answer by rules: null where it is right, else what is wrong with it. No other model is asked. */
export function wrongInAnswer(
  fault: KnownFault,
  evidence: readonly { id: string; what: string }[],
  { cause, advice, evidenceIds, remedy }: ScoredAnswer,
): string | null {
  if (!fault.cause.test(`${cause} ${advice}`)) return `another cause: ${cause}`;
  const cited = evidence.filter(({ id }) => evidenceIds.includes(id));
  if (cited.length < new Set(evidenceIds).size) return 'it rests on evidence that was not given';
  if (!cited.some(({ what }) => fault.shownBy.test(what))) return 'it rests on nothing that shows the cause';
  if (!fault.harmless.includes(remedy)) return `the remedy ${remedy} does no good here`;
  return null;
}
