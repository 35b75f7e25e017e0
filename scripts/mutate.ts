/**
 * Breaks guards on purpose and expects tests to fail.
 *
 * - `npm run mutate -- src/kernel/backoff.ts`: Stryker mutates the pure files whose path contains that, one after the
 *   other, with their nearest tests (`--tests=a.test.ts,b.test.ts` names others). Prints a score and each survivor.
 * - `npm run mutate [-- word]`: breaks the listed guards of code that acts whose file or words contain `word`, each in a
 *   copy of the tree; the tests that an entry names have to fail. Prints a table; ends with 1 when a mutation survives,
 *   when its code is not found, or when the tests fail with nothing broken.
 */
import { breakGuards } from './mutations/break.ts';
import { MUTATIONS } from './mutations/list.ts';
import { pureFiles, type Score, score } from './mutations/pure.ts';

const words = process.argv.slice(2);
const word = words.find((said) => !said.startsWith('--')) ?? '';
const tests = words
  .find((said) => said.startsWith('--tests='))
  ?.slice('--tests='.length)
  .split(',');
const files = word.startsWith('src/') ? pureFiles(word) : [];
const listed = MUTATIONS.filter(({ breaks, file }) => `${breaks} ${file}`.includes(word));

const scores: Score[] = [];
for (const file of files) {
  const found = await score(file, tests);
  process.stderr.write(reportOf(found));
  scores.push(found);
}
if (scores.length > 0) console.log(scoresOf(scores));
if (listed.length > 0) {
  const { table, isSound } = breakGuards(listed);
  console.log(table);
  if (!isSound) process.exitCode = 1;
}
if (files.length + listed.length === 0) {
  console.error(`Neither a pure file nor a listed guard has ${JSON.stringify(word)} in its name.`);
  process.exitCode = 1;
}

function scoresOf(list: readonly Score[]): string {
  const lines = list.map(
    ({ file, killed, endless, mutants }) =>
      `${String(killed + endless).padStart(4)} of ${String(mutants).padStart(4)} noticed (${endless} by a loop without end)  ${file}`,
  );
  const noticed = sumOf(list.map(({ killed, endless }) => killed + endless));
  const mutants = sumOf(list.map((score) => score.mutants));
  return [...lines, `${noticed} of ${mutants} mutants are noticed (${percent(noticed, mutants)}).`].join('\n');
}

function reportOf({ file, killed, endless, mutants, survivors, tests }: Score): string {
  const lines = survivors.map(
    ({ line, was, is, isUnreached }) => `  ${file}:${line} ${isUnreached ? 'no test runs ' : ''}${was}  →  ${is}`,
  );
  return [
    `${file}: ${killed + endless} of ${mutants} (${percent(killed + endless, mutants)}), by ${tests.join(' ')}`,
    ...lines,
    '',
  ].join('\n');
}

function percent(part: number, whole: number): string {
  return whole === 0 ? 'no test reaches it' : `${((100 * part) / whole).toFixed(1)} %`;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
