/** The host's own settings, every one with its default, none of them set. */
export const configText = `# yaml-language-server: $schema=./daruma.schema.json
# The host's own settings. What stands here behind a # is the default; take the # away to change it.
# \`daruma config show\` prints each value and where it was said.

# The zone of every schedule that names none, as Europe/Berlin. Default: that of the machine.
# timezone: UTC

# Where jobs, slots and events are kept.
# store:
#   file: data/daruma.db

# The log of the host and of all plugins: lines of JSON, rolled by day and size, within one budget.
# logs:
#   folder: logs
#   level: info
#   maxFile: 50MB
#   budget: 2GB

# The processes that hold the worker threads: workers in one of them, and how long an idle worker stays.
# cells:
#   size: 50
#   idle: 60s

# How long the store keeps what is over.
# retention:
#   jobs: 30d
#   slots: 90d
#   events: 90d

# All kept versions of plugins together; never pruned is what runs, and what a rollback goes to.
# versions:
#   budget: 256MB

# What one agent keeps: its state and the results of its effects.
# state:
#   budget: 64MB

# Folders outside of the installation to which links to folders in plugins/ may lead. A link to a file is always followed.
# links:
#   folders: []

# Servers that agents call, one a line: who is asked while it is down, and when it counts as down. \`"*"\` is said of all.
#   "https://api.example": { instead: ["https://mirror.example"] }
#   "*": { failures: 3, pause: { first: 5s, longest: 5m }, attempts: 3, timeout: 30s }
# origins: {}

# How far jobs may make jobs that make jobs: hops in one chain, and what the jobs of one agent may make in a minute.
# jobChains:
#   depth: 32
#   perMinute: 20000
`;

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

How to write a plugin: AGENTS.md. Everything the command line can do: \`npx daruma --help\`.
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
