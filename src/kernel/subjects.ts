/**
 * Subjects of events: the things that an event is about, by names under which later events find it. The cause of an event is the newest
 * event about the first of the subjects that it came of. A writer names only subjects that it holds the ids of; none is guessed.
 */
export const subject = {
  /** A file of the installation, relative to its folder. */
  file: (path: string) => `file:${path}`,
  /** A version of a plugin, as an agent runs it or ran it. */
  version: (agent: string, version: string) => `version:${agent}:${version}`,
  /** A worker; names of workers begin anew with each run of a host. */
  worker: (run: string, worker: string) => `worker:${run}:${worker}`,
  /** The order of a person that ends a worker. */
  order: (run: string, worker: string) => `order:${run}:${worker}`,
  attempt: ({ job, attempt }: { job: string; attempt: number }) => `attempt:${job}:${attempt}`,
  job: (id: string) => `job:${id}`,
  incident: (id: string) => `incident:${id}`,
  pause: (agent: string) => `pause:${agent}`,
  quarantine: (agent: string) => `quarantine:${agent}`,
  batch: (id: string) => `batch:${id}`,
  /** An early warning, by its fingerprint. */
  warning: (fingerprint: string) => `warning:${fingerprint}`,
  /** The settings of the host. */
  config: () => 'config',
  /** The alert of that id. */
  alert: (id: string) => `alert:${id}`,
  /** The host of the installation, whichever process it is: its starts and its ends. */
  host: () => 'host',
  /** A host that was lost, by its pid and the time of its end in epoch ms. */
  lostHost: (pid: number | null, endedAt: number) => `host:${pid}:${endedAt}`,
  /** The state of an agent beside its version: its settings, its schedule, its being there. */
  agent: (name: string) => `agent:${name}`,
} as const;
