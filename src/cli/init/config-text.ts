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

# Servers that agents call, one a line: who is asked while it is down, and when it counts as down. \`"*"\` is said of all.
#   "https://api.example": { instead: ["https://mirror.example"] }
#   "*": { failures: 3, pause: { first: 5s, longest: 5m }, attempts: 3, timeout: 30s }
# origins: {}

# How far jobs may make jobs that make jobs: hops in one chain, and what the jobs of one agent may make in a minute.
# jobChains:
#   depth: 32
#   perMinute: 20000
`;
