import type { Mutation } from './mutation.ts';

const INPUTS = ['test/catalog/inputs.test.ts'];
const PROBATION = ['test/catalog/probation.test.ts'];
const ROLLBACKS = ['test/e2e/probation.test.ts'];
const VERSIONS = ['test/catalog/version-budget.test.ts'];
const SELECTION = ['test/host/config-selection.test.ts'];
const CONFIG = ['test/host/config.test.ts'];
const WATCH = ['test/host/config-watch.test.ts'];

const versions: Mutation[] = [
  {
    breaks: 'an emit whose topic is only known when it runs may be any topic',
    file: 'src/catalog/builder/emits.ts',
    text: 'if (/\\bemit\\b/.test(rest)) any = true;',
    instead: '',
    caughtBy: ['test/catalog/topics.test.ts'],
  },
  {
    breaks: 'a setting never stands for more than one host',
    file: 'src/catalog/resolve/net.ts',
    text: "url.hostname === '' || !HOST.test(url.hostname)",
    instead: "url.hostname === ''",
    caughtBy: ['test/catalog/net-from-settings.test.ts'],
  },
  {
    breaks: 'a rename of an agent file does not let its plugin run by itself for a moment',
    file: 'src/catalog/resolve/set.ts',
    text: 'terms.agentsUnsettled && !inForce.has(name)',
    instead: 'false',
    caughtBy: ['test/catalog/gone-agents.test.ts'],
  },
  {
    breaks: 'a key may be called constructor',
    file: 'src/catalog/files/issues.ts',
    text: 'holder !== undefined && Object.hasOwn(holder, key)',
    instead: 'holder !== undefined',
    caughtBy: ['test/catalog/names-of-objects.test.ts'],
  },
  {
    breaks: 'no link to a folder is followed',
    file: 'src/catalog/watching/list.ts',
    text: 'if (entry.isDirectory()) await listBelow(',
    instead: 'if (entry.isDirectory() || entry.isSymbolicLink()) await listBelow(',
    caughtBy: ['test/catalog/unrecognized-files.test.ts'],
  },
  {
    breaks: 'a version on probation is bad at its first crash',
    file: 'src/catalog/rollout/probation.ts',
    text: 'if (severe > 0 && tail(',
    instead: 'if (severe > 1 && tail(',
    caughtBy: PROBATION,
  },
  {
    breaks: 'a version may fail as often as the one before',
    file: 'src/catalog/rollout/probation.ts',
    text: 'tail(failed, runs, rate) < THRESHOLDS.errorChance',
    instead: 'failed > 0',
    caughtBy: PROBATION,
  },
  {
    breaks: 'a version that takes three times as long is bad',
    file: 'src/catalog/rollout/probation.ts',
    text: '?? badDuration(candidate, good)',
    instead: '',
    caughtBy: PROBATION,
  },
  {
    breaks: 'slowness that nobody would notice is none',
    file: 'src/catalog/rollout/probation.ts',
    text: ' || now <= then + THRESHOLDS.slowMoreMs',
    instead: '',
    caughtBy: PROBATION,
  },
  {
    breaks: 'a version that holds twice the memory is bad',
    file: 'src/catalog/rollout/probation.ts',
    text: ' ?? badMemory(candidate, good)',
    instead: '',
    caughtBy: PROBATION,
  },
  {
    breaks: 'one reading of a worker is no measure of its memory',
    file: 'src/catalog/rollout/probation.ts',
    text: 'Math.min(candidate.readings, good.readings) < LEAST_READINGS',
    instead: 'Math.min(candidate.readings, good.readings) < 1',
    caughtBy: PROBATION,
  },
  {
    breaks: 'a version is blamed only when the good one does what it could not',
    file: 'src/catalog/rollout/probation.ts',
    text: "if (since.done > 0) return 'upheld';",
    instead: "if (since.done > 0) return 'wait';",
    caughtBy: PROBATION,
  },
  {
    breaks: 'what is bad does not run, saved again or not',
    file: 'src/catalog/rollout/rollout.ts',
    text: 'if (rejected && free.good) {',
    instead: 'if (rejected && !free.good) {',
    caughtBy: PROBATION,
  },
  {
    breaks: 'nothing is rolled back as long as nothing is good',
    file: 'src/catalog/rollout/rollout.ts',
    text: ' || !rollout.good) return rollout;',
    instead: ') return rollout;',
    caughtBy: PROBATION,
  },
  {
    breaks: 'no version in use is pruned',
    file: 'src/catalog/versions/budget.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what stands in the file
    text: 'list.filter(({ ref }) => !used.has(`${ref.plugin}/${ref.id}`))',
    instead: 'list.filter(() => !used.has(""))',
    caughtBy: VERSIONS,
  },
  {
    breaks: 'what workers of the last minutes may still read is not pruned',
    file: 'src/catalog/versions/budget.ts',
    text: '.slice(0, -KEPT_ALWAYS)',
    instead: '',
    caughtBy: VERSIONS,
  },
  {
    breaks: 'versions are pruned until they fit into the budget, and no further',
    file: 'src/catalog/versions/budget.ts',
    text: 'if (bytes <= budgetBytes) break;',
    instead: 'if (bytes >= budgetBytes) break;',
    caughtBy: VERSIONS,
  },
];

const rollbacks: Mutation[] = [
  {
    breaks: 'jobs that a bad version failed for good are run again',
    file: 'src/host/versions/probation.ts',
    text: 'if (dead.length > 0) await',
    instead: 'if (dead.length > 1_000) await',
    caughtBy: ROLLBACKS,
  },
  {
    breaks: 'a version that fails as the good one does is tried again',
    file: 'src/host/versions/probation.ts',
    text: "if (answer === 'upheld') return;",
    instead: "if (answer !== 'wait') return;",
    caughtBy: ROLLBACKS,
  },
];

const config: Mutation[] = [
  {
    breaks: 'settings with which two hosts were lost are taken back',
    file: 'src/host/config/selection.ts',
    text: 'lostSoFar(known) >= MOST_LOST',
    instead: 'lostSoFar(known) > 1_000',
    caughtBy: SELECTION,
  },
  {
    breaks: 'a host that was stopped was not lost',
    file: 'src/host/config/selection.ts',
    text: 'lost + (isOpen ? 1 : 0)',
    instead: 'lost + 1',
    caughtBy: SELECTION,
  },
  {
    breaks: 'a person who starts the host begins the probation anew',
    file: 'src/host/config/selection.ts',
    text: 'afresh ? { since: now, lost: 0 } : ',
    instead: '',
    caughtBy: SELECTION,
  },
  {
    breaks: 'a secret is not shown among what has changed',
    file: 'src/host/config/change.ts',
    text: 'if (SECRET_NAME.test(path)) return HIDDEN;',
    instead: '',
    caughtBy: SELECTION,
  },
  {
    breaks: 'nothing is deleted that the good settings would keep',
    file: 'src/host/config/live.ts',
    text: 'Math.max(jobsMs, good.retention.jobsMs)',
    instead: 'jobsMs',
    caughtBy: CONFIG,
  },
  {
    breaks: 'settings with which a host cannot start are bad only when it can without them',
    file: 'src/host/config/in-use.ts',
    text: 'selection: back, isUnsure: true',
    instead: 'selection: back, isUnsure: false',
    caughtBy: CONFIG,
  },
  {
    breaks: 'settings that were taken back are recorded once',
    file: 'src/host/config/watch.ts',
    text: 'selection.bad.isReported ? undefined : report(selection.bad)',
    instead: 'report(selection.bad)',
    caughtBy: WATCH,
  },
  {
    breaks: 'settings are not good before a host has worked with them for a while',
    file: 'src/host/config/watch.ts',
    text: '!config.hasWorked() || ',
    instead: '',
    caughtBy: WATCH,
  },
  {
    breaks: 'jobs that died with a host because of its settings are run again',
    file: 'src/host/config/watch.ts',
    text: "error?.code === 'HOST_LOST'",
    instead: "error?.code === 'NEVER'",
    caughtBy: WATCH,
  },
];

const inputs: readonly Mutation[] = [
  {
    breaks: 'a pattern of an author never runs in the host',
    file: 'src/catalog/files/input-check.ts',
    text: "  'pattern',\n",
    instead: '',
    caughtBy: ['test/catalog/input-check.test.ts'],
  },
  {
    breaks: 'what a schema changes before it looks is not written down as if it did not',
    file: 'src/catalog/builder/input-schema.ts',
    text: 'if (isChanged)',
    instead: 'if (!def)',
    caughtBy: ['test/catalog/input-check.test.ts'],
  },
];

const madeOf: readonly Mutation[] = [
  {
    breaks: 'an import that would mean another file now is another version',
    file: 'src/catalog/plugin-registry.ts',
    text: 'if (changed || answeredAnew ||',
    instead: 'if (changed ||',
    caughtBy: INPUTS,
  },
  {
    breaks: 'a start believes a version only when all that was asked for it is answered as before',
    file: 'src/catalog/builder/build-plugin.ts',
    text: 'answers.get(keyOf(lookup))?.answer === lookup.answer',
    instead: 'lookup.path.length > 0',
    caughtBy: INPUTS,
  },
  {
    breaks: 'the file that would win over another is asked for',
    file: 'src/catalog/builder/imports-asked.ts',
    text: 'else await addEndings(at);',
    instead: '',
    caughtBy: INPUTS,
  },
  {
    breaks: 'a bundle holds nothing that no plugin may be made of',
    file: 'src/catalog/builder/source-reads.ts',
    text: 'if (!guard.mayRead(path))',
    instead: "if (path === '')",
    caughtBy: INPUTS,
  },
  {
    breaks: 'a stack is mapped with the map that lies there now',
    file: 'src/workers/inside/stack-map.ts',
    text: 'if (known?.state === state)',
    instead: 'if (known)',
    caughtBy: ['test/workers/stack-map.test.ts'],
  },
];

/** Guards of versions and settings on probation. */
export const ofCatalog: readonly Mutation[] = [...madeOf, ...versions, ...rollbacks, ...config, ...inputs];
