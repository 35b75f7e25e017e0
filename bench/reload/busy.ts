import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlClient } from '../../src/control/client.ts';

/** Saves a version of the plugin `busy`: each run notes that it began, and with which mark. `fails`: then it throws. */
export function saveBusy(folder: string, mark: string, fails = false) {
  const end = fails ? `throw new Error('${mark} is bad');` : `return '${mark}';`;
  writeFileSync(
    join(folder, 'plugins/busy.ts'),
    `import { appendFileSync } from 'node:fs';
import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Notes that it ran.',
  needs: { write: ['out'] },
  limits: { attempts: 5, backoff: { first: '100ms', longest: '1s' } },
  workers: { min: 1, max: 2 },
  async run({ job, folder }) {
    const begun = Date.now();
    const mark = '${mark}';
    await new Promise((resolve) => setImmediate(resolve));
    appendFileSync(\`\${folder}/out/ran.txt\`, \`b \${job.id} \${mark} \${begun}\\n\`);
    ${end}
  },
});
`,
  );
}

/** The version of `busy` that runs. Asked of the catalog alone: what a status reads in the store would be measured along. */
export async function versionNow(client: ControlClient) {
  const { versions } = await client.ask('versions', { plugin: 'busy' });
  return versions.find(({ agents }) => agents.some(({ runs }) => runs))!;
}

/** When the newest rollback was decided, as the log says. */
export function lastRolledBack(folder: string): string | undefined {
  const logs = readdirSync(join(folder, 'logs')).filter((name) => name.endsWith('.log') || name.includes('daruma'));
  const lines = logs.flatMap((name) => readFileSync(join(folder, 'logs', name), 'utf8').split('\n'));
  const found = lines
    .filter((line) => line.includes('"event":"version.rolled-back"'))
    .map((line) => JSON.parse(line).time);
  return found.sort().at(-1);
}

/** The record of every job of `busy`. */
export async function recordsOf(client: ControlClient) {
  const all: { id: string; state: string; version: string | null; result: unknown }[] = [];
  for (;;) {
    const before = all.at(-1)?.id;
    const page = await client.ask('jobs', { agent: 'busy', limit: 1_000, ...(before ? { before } : {}) });
    if (page.length === 0) return all;
    all.push(...page.map(({ id, state, version, result }) => ({ id, state, version, result })));
  }
}
