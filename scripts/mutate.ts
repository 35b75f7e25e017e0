/**
 * Breaks guards on purpose, each in a copy of the working tree, and expects the tests that are named to fail. Prints a
 * table; ends with 1 when a mutation survives, when its text is not found, or when the tests fail with nothing broken.
 *
 * `node scripts/mutate.ts [word]`: only mutations whose file or words contain it.
 */
import { basename } from 'node:path';
import { type Copy, copyOfTree, type FileResult } from './mutations/copy.ts';
import { MUTATIONS } from './mutations/list.ts';
import type { Mutation } from './mutations/mutation.ts';

interface Verdict {
  mutation: Mutation;
  is: 'caught' | 'survived' | 'not found';
  /** For each test file, what was seen of it. */
  by: string[];
}

const [word = ''] = process.argv.slice(2);
const mutations = MUTATIONS.filter(({ breaks, file }) => `${breaks} ${file}`.includes(word));
const copy = copyOfTree();
try {
  expectSound(copy, mutations);
  const verdicts = mutations.map((mutation) => {
    const verdict = tryOut(copy, mutation);
    process.stderr.write(`${verdict.is.padEnd(9)} ${mutation.breaks}\n`);
    return verdict;
  });
  console.log(tableOf(verdicts));
  if (verdicts.some(({ is }) => is !== 'caught')) process.exitCode = 1;
} finally {
  copy.remove();
}

function expectSound(copy: Copy, list: readonly Mutation[]): void {
  copy.build();
  const unsound = copy.test([...new Set(list.flatMap(({ caughtBy }) => caughtBy))]).filter(didFail);
  if (unsound.length > 0) throw new Error(`these fail with nothing broken: ${JSON.stringify(unsound)}`);
}

function tryOut(copy: Copy, mutation: Mutation): Verdict {
  const { file, text, instead, caughtBy } = mutation;
  const whole = copy.read(file);
  const parts = whole.split(text);
  if (parts.length !== 2) return { mutation, is: 'not found', by: [`its text is there ${parts.length - 1} times`] };
  try {
    copy.write(file, parts.join(instead));
    copy.build();
    const results = copy.test(caughtBy);
    const blind = results.filter(({ failed }) => failed === undefined);
    if (blind.length > 0) return { mutation, is: 'survived', by: blind.map(({ file }) => `not by ${file}`) };
    return { mutation, is: 'caught', by: results.map(told) };
  } finally {
    copy.write(file, whole);
  }
}

function didFail({ failed, isBroken }: FileResult): boolean {
  return failed !== undefined || isBroken === true;
}

function told({ file, failed }: FileResult): string {
  return `${basename(file, '.test.ts')}: ${failed}`;
}

function tableOf(verdicts: readonly Verdict[]): string {
  const caught = verdicts.filter(({ is }) => is === 'caught').length;
  const lines = verdicts.flatMap(({ mutation, is, by }, i) => [
    `${String(i + 1).padStart(2)} ${is.padEnd(9)} ${mutation.breaks}`,
    `             ${mutation.file}`,
    ...by.map((one) => `             ${one}`),
  ]);
  return [`${caught} of ${verdicts.length} broken guards are caught.`, '', ...lines].join('\n');
}
