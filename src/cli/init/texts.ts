/** The README of a new installation. */
export function readmeText(name: string): string {
  return `# ${name}

An installation of Daruma: it runs the plugins in \`plugins/\` on their schedules, each in a worker of its own.

\`\`\`
npm install
npm start                          # runs the host here; Ctrl-C ends it
npx daruma status                  # in another terminal
npx daruma run disk-space --wait   # one job now
npx daruma logs -f
npx daruma new my-agent --schedule "*/10 * * * *"
\`\`\`

| folder | what is in it |
| --- | --- |
| \`plugins/\` | one TypeScript file for each kind of job; a saved file is taken up while the host runs |
| \`agents/\` | optional YAML files that put a plugin to work with settings, limits and a schedule of their own |
| \`config/daruma.yaml\` | the settings of the host |
| \`.env\` | secrets, one \`NAME=value\` a line, read again every ten seconds; \`npx daruma secrets\` lists what is missing |
| \`logs/\` | lines of JSON; \`npx daruma logs\` reads them |
| \`data/\` | the store; back it up with the backup plugin, not by hand while the host runs |

The guide, once it is installed: [node_modules/daruma/docs](node_modules/daruma/docs/README.md). How to write a plugin, in one page: [AGENTS.md](AGENTS.md). Everything the command line can do:
\`npx daruma --help\`.
`;
}

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
    // The value that is returned is the result; a throw is a failed attempt, which is tried again.
    return { said: settings.greeting };
  },
});
`;
}

/** The text of the test of {@link pluginText}'s plugin. */
export function pluginTestText(name: string): string {
  return `import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

// A real worker with the plugin's own rights and limits. Calls of fetch are answered here: { http: [{ url, body }] }
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
