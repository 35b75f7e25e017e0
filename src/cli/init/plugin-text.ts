/** The text of a new plugin: small, whole, and right under the strictest types. */
export function pluginText({ about, schedule }: { about: string; schedule?: string | undefined }): string {
  const when = schedule
    ? `  schedule: ${quoted(schedule)},`
    : `  // Nothing starts it but you, until it has a schedule: '*/10 * * * *'`;
  return `import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: ${quoted(about)},
${when}
  settings: z.strictObject({
    greeting: z.string().default('hello').describe('What it says. Set it in agents/<name>.yaml.'),
  }),
  limits: { memory: '64MB', timeout: '30s', attempts: 3 },
  // Every host, secret and file that it uses has to be named here: { net: ['api.example.com'] }
  needs: {},
  async run({ settings, job, log, beat }) {
    beat('started');
    log.info(settings.greeting, { attempt: job.attempt, slot: job.slot });
    // What is returned is the result; a throw is a failed attempt, which is tried again.
    return { said: settings.greeting };
  },
});
`;
}

/** The text of the test of {@link pluginText}'s plugin. */
export function pluginTestText(name: string): string {
  return `import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

// A real worker with the plugin's own rights and limits. What it fetches is answered here: { http: [{ url, body }] }
it('says what it is told to', async () => {
  const { state, result, logs } = await runPlugin('${name}', { settings: { greeting: 'good morning' } });

  expect(state).toBe('done');
  expect(result).toEqual({ said: 'good morning' });
  expect(logs.map(({ message }) => message)).toEqual(['good morning']);
});
`;
}

function quoted(text: string): string {
  return `'${text.replace(/\s+/g, ' ').replace(/[\\']/g, '\\$&')}'`;
}
