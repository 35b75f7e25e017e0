/** Written by `npm run settings` from the table of settings: config/daruma.yaml of a new installation. */
export const configText = `# yaml-language-server: $schema=./daruma.schema.json
# The host's own settings. The value behind a # is the default; take the # away to change it.
# \`daruma config show\` prints each value and where it was said.

# The zone of every schedule that names none. Default: that of the machine.
# timezone: UTC

# With \`required\`, agents with rights are off where the kernel lacks a fence (daruma doctor shows them); with \`best\`
# they run behind the fences that there are.
# fence: best

# Servers that agents call, by origin; \`*\` for all: when one counts as down, and who is asked then.
#   "https://api.example": { instead: ["https://mirror.example"] }
#   "*": { failures: 3, pause: { first: 5s, longest: 5m }, attempts: 3, timeout: 30s }
# origins: {}

# Where jobs, slots and events are kept.
# store:
#   file: data/daruma.db  # The SQLite file.

# The log of the host and of all plugins.
# logs:
#   folder: logs  # The folder of all log files.
#   level: info  # The least level that is written.
#   maxFile: 50MB  # A file that is larger is rolled.
#   budget: 2GB  # All log files together; the oldest go first.

# The processes that hold the worker threads.
# cells:
#   size: 50  # Workers in one cell, at most.
#   # An idle worker above its agent’s workers.min goes after this long; after a sixth of it, when its agent’s work
#   # comes at more than half of it.
#   idle: 60s

# The commands of agents.
# exec:
#   # The fence around commands. auto: bubblewrap where it is installed and works, else the kernel’s own fences. bwrap:
#   # bubblewrap, or the host does not start. none: commands do what the host’s user may.
#   fence: auto

# How long the store keeps what is over.
# retention:
#   jobs: 30d  # Finished jobs.
#   slots: 90d  # Decided slots.
#   events: 90d  # Events.

# The compiled plugins in data/versions, to which a rollback can go.
# versions:
#   # All kept versions of plugins together; the oldest go first, but never one that runs or that a rollback goes to.
#   budget: 256MB

# What agents keep in the store.
# state:
#   # What an agent keeps: its state and the results of its effects, together. More is refused, and nothing is deleted.
#   budget: 64MB

# Links in plugins/.
# links:
#   # Folders outside of the installation to which links to folders in plugins/ may lead, with all that is below them.
#   # Default: none; a link to a file is always followed.
#   folders: []

# How far jobs may make jobs that make jobs.
# jobChains:
#   depth: 32  # The most hops from a job that no other made: sends and emits beyond are refused.
#   # What the jobs of one agent may make within a minute, each counted by its hops; then it makes nothing for a minute.
#   perMinute: 20000

# The page, which a process of its own serves (page.md).
# web:
#   enabled: true  # Whether there is a page. \`web: false\` says the same in short.
#   port: 7070  # The port of the page; when it is taken, the next one that is free. 0: any.
#   # The address that the page listens on. Beyond this machine only with \`web.origin\` and \`web.behindTls\`.
#   host: 127.0.0.1
#   behindTls: false  # Says that the page is reached through that server alone.
#   # loopback: /metrics, and the reasons of /healthz, are shown while the page is for this machine alone, without
#   # \`web.origin\`. public: through that server, too.
#   metrics: loopback

# When the machine counts as short, and less is started (pressure.md).
# pressure:
#   # The percentage of memory, of the machine and of each cgroup with a limit, that is to be free, of 1 GB at most.
#   # With less for ten seconds the machine is pressed, with a third of it for two seconds critically.
#   memoryFree: 15
#   # The percentage of time in which some task waits for memory (PSI), in the last ten seconds and the last minute,
#   # that presses; the same of all tasks at once is critical.
#   memoryStall: 5
#   cpuThrottled: 25  # The percentage of periods in which a processor quota (cpu.max) was used up that presses.
#   ioStall: 60  # The percentage of time in which all tasks wait for the disk at once (PSI) that presses.
#   # How long a resource has to be well below its mark before a step is taken back; longer after a relapse, to eight
#   # times.
#   relief: 30s

# Models that agents ask, behind a gateway of the host (models.md).
# models:
#   enabled: true  # Whether agents may ask models. \`models: false\` says the same in short.
#   # Providers of models, tried in order, each with an ordered list of models. \`key\` names a secret; a rung without its
#   # key is off.
#   chain: [{ name: groq, url: "https://api.groq.com/openai/v1", key: GROQ_API_KEY, models: [openai/gpt-oss-120b, openai/gpt-oss-20b] }, { name: cerebras, url: "https://api.cerebras.ai/v1", key: CEREBRAS_API_KEY, models: [gpt-oss-120b] }, { name: ollama, url: "http://127.0.0.1:11434", kind: ollama, models: ["gpt-oss:20b"], free: true }]
#   # Money for a million tokens, with the day on which somebody looked.
#   prices: [{ model: openai/gpt-oss-120b, rung: groq, input: 0.15, output: 0.6, asOf: "2026-09-16" }, { model: gpt-oss-120b, rung: cerebras, input: 0.35, output: 0.75, asOf: "2026-06-12" }]
#   # The most of a day, in the zone of the host, of all agents together. A limit that is not named is none.
#   budget: { calls: 2000, tokens: "2M", money: 5 }
#   # What a model may do about an incident that no remedy ended, and how often a day it is asked.
#   diagnose: { autonomy: suggest, perDay: 5 }
#   # When each rung is proven by small real calls, and when a diagnosis is scored; false: never.
#   drills: { fallback: "10 4 * * *", diagnosis: "40 4 * * SUN" }

# Whom the host tells of troubles (alerts.md).
# alerts:
#   open: []  # Agents that are sent what needs a person, and its end.
#   warning: []  # Agents that are sent early warnings: there are hours left.
#   healed: []  # Agents that are sent each incident that was healed, at once. \`digest\` says the same once a day.
#   # Agents that are sent once a day what was healed, and what still holds. Nothing is sent of a day without both.
#   digest: []
#   digestAt: 0 8 * * *  # When, in the zone of the host.
#   windows: []  # Maintenance windows: nobody is told anything in them. What still holds at the end is told then.
#   # A file to which each alert is added; at 1 MB a new one is begun, and one old one is kept. false: none.
#   file: data/alerts.log
`;
