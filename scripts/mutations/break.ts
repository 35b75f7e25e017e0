import { basename } from 'node:path';
import { type Copy, copyOfTree, type FileResult } from './copy.ts';
import { mutated } from './declaration.ts';
import type { Mutation } from './mutation.ts';

interface Verdict {
  mutation: Mutation;
  is: 'caught' | 'survived' | 'not found';
  /** For each test file, what was seen of it. */
  by: string[];
}

/** Breaks each guard in a copy of the tree and runs its tests. Throws when they fail with nothing broken. */
export function breakGuards(list: readonly Mutation[]): { table: string; isSound: boolean } {
  const copy = copyOfTree();
  try {
    expectSound(copy, list);
    const verdicts = list.map((mutation) => {
      const verdict = tryOut(copy, mutation);
      process.stderr.write(`${verdict.is.padEnd(9)} ${mutation.breaks}\n`);
      return verdict;
    });
    return { table: tableOf(verdicts), isSound: verdicts.every(({ is }) => is === 'caught') };
  } finally {
    copy.remove();
  }
}

function expectSound(copy: Copy, list: readonly Mutation[]): void {
  copy.build();
  const unsound = copy.test([...new Set(list.flatMap(({ caughtBy }) => caughtBy))]).filter(didFail);
  if (unsound.length > 0) throw new Error(`these fail with nothing broken: ${JSON.stringify(unsound)}`);
}

function tryOut(copy: Copy, mutation: Mutation): Verdict {
  const whole = copy.read(mutation.file);
  const broken = mutated(mutation, whole);
  if (typeof broken === 'number') return { mutation, is: 'not found', by: [`its code is there ${broken} times`] };
  try {
    copy.write(mutation.file, broken);
    copy.build();
    const results = copy.test(mutation.caughtBy);
    const blind = results.filter(({ failed }) => failed === undefined);
    if (blind.length > 0) return { mutation, is: 'survived', by: blind.map(({ file }) => `not by ${file}`) };
    return {
      mutation,
      is: 'caught',
      by: results.map(({ file, failed }) => `${basename(file, '.test.ts')}: ${failed}`),
    };
  } finally {
    copy.write(mutation.file, whole);
  }
}

function didFail({ failed, isBroken }: FileResult): boolean {
  return failed !== undefined || isBroken === true;
}

function tableOf(verdicts: readonly Verdict[]): string {
  const caught = verdicts.filter(({ is }) => is === 'caught').length;
  const lines = verdicts.flatMap(({ mutation, is, by }, i) => [
    `${String(i + 1).padStart(2)} ${is.padEnd(9)} ${mutation.breaks}`,
    `             ${mutation.file}`,
    ...by.map((words) => `             ${words}`),
  ]);
  return [`${caught} of ${verdicts.length} broken guards are caught.`, '', ...lines].join('\n');
}
