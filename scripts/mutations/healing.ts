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
];
