import type { Mutation } from './mutation.ts';

const BREAKER = 'src/gateway/origins/breaker.ts';
const ORIGINS = 'src/gateway/origins/origins.ts';
const LAWS = ['test/gateway/breaker.test.ts'];
const SERVICE = ['test/gateway/origins.test.ts'];
const OUTAGES = ['test/healing/origins.test.ts'];
const WAITING = ['test/jobs/waiting.test.ts'];

/** Guards of what goes out of the house. */
export const ofGateway: readonly Mutation[] = [
  {
    breaks: 'one probe at a time: while it is out, nobody else goes',
    file: BREAKER,
    text: "breaker.is === 'closed' || breaker.until <= now",
    instead: "breaker.is !== 'open' || breaker.until <= now",
    caughtBy: [...LAWS, ...SERVICE],
  },
  {
    breaks: 'the end of a call of another round changes nothing',
    file: BREAKER,
    text: "if (event.round !== breaker.round) return 'refused';",
    instead: '',
    caughtBy: LAWS,
  },
  {
    breaks: 'a burst of failures within one hiccup does not open it',
    file: BREAKER,
    text: ' && now - row.since >= ROW_MS',
    instead: '',
    caughtBy: LAWS,
  },
  {
    breaks: 'a good answer ends the row of failures',
    file: BREAKER,
    text: '{ ...breaker, row: null, counted }',
    instead: '{ ...breaker, counted }',
    caughtBy: LAWS,
  },
  {
    breaks: 'the pauses before probes grow',
    file: BREAKER,
    text: 'const failed = tries + 1;',
    instead: 'const failed = tries;',
    caughtBy: [...LAWS, ...SERVICE],
  },
  {
    breaks: 'a probe whose job ended is free again',
    file: ORIGINS,
    text: 'if (isOver) move(',
    instead: 'if (isOver && time.now() < 0) move(',
    caughtBy: SERVICE,
  },
  {
    breaks: 'a call that carries a secret goes to nobody else',
    file: ORIGINS,
    text: 'alone ? { chain: [originRecord], barred: [] } : ',
    instead: '',
    caughtBy: SERVICE,
  },
  {
    breaks: 'nobody is asked instead whom the agent may not reach',
    file: ORIGINS,
    text: 'if (mayReach(origin)) chain.push(accountOf(origin));',
    instead: 'chain.push(accountOf(origin)); if (mayReach(origin)) continue;',
    caughtBy: SERVICE,
  },
  {
    breaks: 'a job that is held up loses no attempt',
    file: 'src/jobs/waiting.ts',
    text: ', isFree: true',
    instead: '',
    caughtBy: [...WAITING, 'test/jobs/jobs.test.ts'],
  },
  {
    breaks: 'a job does not wait for ever',
    file: 'src/jobs/waiting.ts',
    text: 'until > since + LONGEST_OUTAGE_WAIT_MS',
    instead: 'until > since + 1e15',
    caughtBy: WAITING,
  },
  {
    breaks: 'the wait is counted from its beginning, not from the last try',
    file: 'src/jobs/waiting.ts',
    text: 'waitOf(before.error)?.since ?? startedAt',
    instead: 'startedAt',
    caughtBy: WAITING,
  },
  {
    breaks: 'what may do harm is not repeated',
    file: 'src/workers/inside/fetch-order.ts',
    text: "const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS']);",
    instead: "const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS', 'POST']);",
    caughtBy: ['test/workers/fetch-order.test.ts'],
  },
  {
    breaks: 'nobody else of a chain learns who asks',
    file: 'src/workers/inside/fetch-order.ts',
    text: 'if (!credentials) {',
    instead: 'if (!credentials && url.port === "never") {',
    caughtBy: ['test/workers/fetch-order.test.ts'],
  },
  {
    breaks: 'this side’s own faults do not take a server down',
    file: 'src/workers/inside/fetch-order.ts',
    text: 'OWN_FAULTS.has(code) || ',
    instead: '',
    caughtBy: ['test/workers/fetch-order.test.ts'],
  },
  {
    breaks: 'a server that is down is not healed by a job that is done without it',
    file: 'src/healing/proof.ts',
    text: "    case 'failing-over':\n",
    instead: '',
    caughtBy: OUTAGES,
  },
  {
    breaks: 'two servers that differ in the port are two incidents',
    file: 'src/healing/verdict.ts',
    text: 'agent ?? origin',
    instead: "agent ?? ''",
    caughtBy: OUTAGES,
  },
  {
    breaks: 'an attempt that was held up is no incident of its agent',
    file: 'src/healing/verdict.ts',
    text: "['HOST_LOST', 'ORIGIN_DOWN',",
    instead: "['HOST_LOST',",
    caughtBy: OUTAGES,
  },
  {
    breaks: 'an outage that a person has closed stays closed',
    file: 'src/healing/origin-watch.ts',
    text: '(isSame || openIncidents.size >= MOST_OPEN)',
    instead: '(openIncidents.size >= MOST_OPEN)',
    caughtBy: OUTAGES,
  },
];
