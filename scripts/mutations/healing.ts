import type { Mutation } from './mutation.ts';

const HEALER = ['test/healing/healer.test.ts'];

/** Guards of healing. */
export const ofHealing: readonly Mutation[] = [
  {
    breaks: 'jobs below the least priority stay where they are',
    file: 'src/store/sqlite/inside/jobs/claim.ts',
    text: '|| found[0] < least',
    instead: '',
    caughtBy: ['test/store/sqlite.test.ts'],
  },
  {
    breaks: 'a machine that is short at one look only is left alone',
    file: 'src/healing/pressure-watch.ts',
    text: 'short === null || seen[what] < 2 ||',
    instead: 'short === null ||',
    caughtBy: HEALER,
  },
  {
    breaks: 'no job proves that there is room',
    file: 'src/healing/proof.ts',
    text: "    case 'pressed':\n    case 'disk-short':\n",
    instead: "    case 'disk-short':\n",
    caughtBy: HEALER,
  },
  {
    breaks: 'a ring of agents is one incident, whoever of them is refused',
    file: 'src/healing/loop-watch.ts',
    text: 'some((agent) => agents.includes(agent))',
    instead: 'slice(0, 1).includes(agents[0]!)',
    caughtBy: ['test/healing/loops.test.ts'],
  },
  {
    breaks: 'a crowd that is worked off is no backlog without end',
    file: 'src/healing/backlog.ts',
    text: 'if (count < peak - Math.max(1, peak * 0.05)) return undefined;',
    instead: '',
    caughtBy: ['test/healing/loops.test.ts'],
  },
  {
    breaks: 'what no other attempt can help opens no incident',
    file: 'src/healing/verdict.ts',
    text: 'if (WANTED.has(because.code) || !mayHelp(because)) return null;',
    instead: 'if (WANTED.has(because.code)) return null;',
    caughtBy: ['test/healing/decisions.test.ts'],
  },
];
