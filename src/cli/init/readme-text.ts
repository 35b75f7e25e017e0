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
