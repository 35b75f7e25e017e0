import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createCatalog } from '../../catalog/catalog.ts';
import { createInForceFile, type InForce } from '../../catalog/in-force.ts';
import type { Listing, ValueSource } from '../../catalog/ports.ts';
import { keptVersions } from '../../catalog/rollout/kept-versions.ts';
import { logFolderOf } from '../../control/log-files.ts';
import { fileId } from '../../control/place.ts';
import type { CommandFenceView, Ops } from '../../control/protocol.ts';
import { findCommandFence } from '../../gateway/exec/command-fence.ts';
import { allowanceOf } from '../../healing/quarantine-rules.ts';
import type { Agent } from '../../jobs/agent.ts';
import { planHold } from '../../jobs/placement.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { Fault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { silentLog } from '../../kernel/log.ts';
import { createScrubber } from '../../kernel/scrub.ts';
import { machineTime } from '../../kernel/time.ts';
import type { OperationRole } from '../../operations/operation.ts';
import { openStoreForReading } from '../../store/open.ts';
import { openConfigFiles } from '../config/files.ts';
import { configProblems, readConfig, zoneWarning } from '../config/read.ts';
import { checkStopped } from '../doctor/doctor.ts';
import { VERSIONS_FOLDER } from '../facts.ts';
import { lastHealth } from '../health/offline.ts';
import { reportLookup } from '../report/report.ts';
import { createSecrets, viewSecrets } from '../secrets/secrets.ts';
import { alertLookup } from './alerts.ts';
import { createOperations, type Operations } from './handlers.ts';
import { listingOf } from './known.ts';
import { logLookup } from './log-lines.ts';
import { createLookups, nextLookup } from './lookups.ts';
import { deliveryLookup } from './ops-hooks.ts';
import { stateLookups } from './ops-state.ts';
import { versionLookup } from './ops-versions.ts';
import { createStates } from './states.ts';
import { createStatus } from './status.ts';

/** The text in place of a value that may hold a secret. */
const WITHHELD = '[not shown while the host does not answer]';
/** Settings of an agent, and the input of its jobs, as an agent file says them. */
const FROM_AGENT_FILE = /^(?:settings|input)\b/;

/** A header of a delivery that its sender chooses freely. */
const HEADER = /^(?:x-|idempotency-key$)/;

/** The last known state of an installation whose host is down. */
interface OfflineHost {
  /**
   * Answers operations that only read: `status`, `jobs`, `why`, `versions` and their like; others are refused with `HOST_DOWN`, and
   * those of operators with `ROLE_LACKING` for a reader. Default: operator.
   */
  ask(op: string, args: unknown, role?: OperationRole): Promise<unknown>;
  /** Reads agents, holds and settings again; false: the installation has another store by now, and this one is of no more use. */
  again(): Promise<boolean>;
  close(): void;
  /** When the store was last written to, ISO 8601. */
  lastSign: string | null;
}

/**
 * Opens the store for looking only. Rejects with a Fault when there is none, or it cannot be read. `knowsSecrets`: this process may read the
 * secrets, and answers show `[secret]` in their place; without them, answers lack the values that may hold a secret.
 */
export async function openOffline(folder: string, { knowsSecrets }: { knowsSecrets: boolean }): Promise<OfflineHost> {
  const { file } = readPlace(folder);
  if (!existsSync(file)) {
    const message = 'the host is not running, and there is no store yet';
    throw new Fault({ code: 'STORE_MISSING', message, next: 'daruma start' });
  }
  const id = fileId(file);
  const store = openStoreForReading({ file });
  let operations: Operations;
  let hide: ((value: unknown) => unknown) | undefined;

  async function readAgain() {
    const inForce = await lastInForce(folder);
    operations = await lastOperations(folder, store, inForce);
    hide = knowsSecrets ? scrubberNow(folder, inForce.agents).answer : undefined;
  }
  try {
    await readAgain();
  } catch (thrown) {
    store.close();
    throw thrown;
  }
  return {
    async ask(op, args, role = 'operator') {
      const value = await operations.ask(op, args, { ...NO_CLIENT, role });
      return hide ? hide(value) : withholdKept(op, value);
    },
    async again() {
      if (readPlace(folder).file !== file || fileId(file) !== id) return false;
      await readAgain();
      return true;
    },
    close: () => store.close(),
    lastSign: lastWritten(file),
  };
}

/** The store that a host would begin with, and where its settings are said: settings that did harm name another, perhaps. */
function readPlace(folder: string) {
  const { settings, origins } = readConfig(openConfigFiles(folder), { unattended: true, now: machineTime.now() });
  return { file: resolve(folder, settings.store.file), settings, origins };
}

interface LastInForce {
  agents: Map<string, Agent>;
  /** Where the values of each agent were said. */
  origins: Map<string, ValueSource[]>;
  set: InForce;
}

async function lastOperations(folder: string, store: ReadableStore, inForce: LastInForce): Promise<Operations> {
  const { settings, origins } = readPlace(folder);
  const catalog = await lastCatalog(store, inForce.agents);
  const needs = { time: machineTime, store, catalog, timezone: () => settings.timezone };
  const states = createStates({ ...needs, ...(await lastHolds(store)) });
  const status = createStatus({ ...needs, states });
  let kept: ReturnType<typeof keptVersions> | undefined;
  return createOperations(
    {
      ...createLookups(needs),
      ...nextLookup(needs),
      ...reportLookup({ ...needs, ...catalog, states: states.all }),
      ...logLookup(() => logFolderOf(folder)),
      ...{ ...stateLookups(store), ...alertLookup({ store }) },
      ...deliveryLookup({ ...needs, folder }),
      ...versionLookup({
        catalog,
        versions: () => (kept ??= keptVersions(join(folder, VERSIONS_FOLDER), inForce.set)),
      }),
      health: () => lastHealth(needs),
      doctor: async () => ({
        checks: await checkStopped({
          time: machineTime,
          folder,
          settings,
          states,
          secrets: secretsNow(folder, inForce.agents),
        }),
      }),
      secrets: async () => secretsNow(folder, inForce.agents),
      status: ({ agent }) => status(agent),
      configShow: async ({ agent }) => {
        if (agent === undefined) return { values: origins() };
        listingOf(catalog, agent);
        return { values: inForce.origins.get(agent) ?? [] };
      },
    },
    hostDown,
  );
}

/** The agents that the last host had in force, and others that the store knows. */
async function lastCatalog(store: ReadableStore, agents: ReadonlyMap<string, Agent>) {
  const known = [...(await store.overview()), ...(await store.nextSlots())].map(({ agent }) => agent);
  const listings = [...new Set([...agents.keys(), ...known])]
    .filter((name) => !isDrillAgent(name))
    .sort()
    .map((name): Listing => {
      const plugin = agents.get(name)?.version.plugin ?? name;
      return { name, plugin, is: 'live', why: 'the host is not running', problem: null };
    });
  const none = () => [];
  return { listings: () => listings, agents: () => agents, problems: none, notes: none, gone: none };
}

/** The holds and incidents that the store keeps. */
async function lastHolds(store: ReadableStore) {
  const pauses = new Map((await store.paused()).map(({ agent, ...pause }) => [agent, pause]));
  const quarantines = new Map((await store.quarantines()).map((record) => [record.agent, record]));
  const incidents = (await store.incidents({ states: ['open', 'escalated'], limit: 1_000 })).reverse();
  const holdOf = (name: string) => {
    const record = quarantines.get(name);
    const quarantine = record && { ...record, allowance: allowanceOf(record, machineTime.now()) };
    return planHold({ name, pause: pauses.get(name), quarantine });
  };
  return { placements: { holdOf }, healer: { open: () => incidents } };
}

function secretsNow(folder: string, agents: ReadonlyMap<string, Agent>) {
  const secrets = lookForSecrets(folder, agents);
  return viewSecrets(secrets.list(), secrets.envFile());
}

function scrubberNow(folder: string, agents: ReadonlyMap<string, Agent>) {
  return createScrubber(lookForSecrets(folder, agents).seen());
}

function lookForSecrets(folder: string, agents: ReadonlyMap<string, Agent>) {
  const secrets = createSecrets({ time: machineTime, log: silentLog, folder, changed() {} });
  secrets.use(agents.values());
  return secrets;
}

type ReadableStore = ReturnType<typeof openStoreForReading>;

/** Streams and waits are not answered here, so no client can leave in between. */
const NO_CLIENT = { item: () => false, gone: new AbortController().signal } as const;

function hostDown(): Fault {
  return new Fault({ code: 'HOST_DOWN', message: 'the host is not running', next: 'daruma start' });
}

function lastWritten(file: string): string | null {
  const times = [file, `${file}-wal`].map((one) => statSync(one, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.max(...times) > 0 ? isoOf(Math.max(...times)) : null;
}

/** The set that the last host had in force; an empty one when that cannot be read. */
async function lastInForce(folder: string): Promise<LastInForce> {
  const set = await createInForceFile(join(folder, VERSIONS_FOLDER), silentLog).read();
  const found = [...set.agents];
  return {
    set,
    agents: new Map(found.map(([name, { agent }]) => [name, agent])),
    origins: new Map(found.map(([name, { origins }]) => [name, origins])),
  };
}

/**
 * Problems of the plugin and agent files of an installation whose host is down: the plugins are compiled and inspected as a
 * host does it, into a temporary folder. The installation is not changed.
 */
export async function checkFiles(folder: string): Promise<Ops['check']['value']> {
  const { settings, origins } = readConfig(openConfigFiles(folder), { unattended: true, now: machineTime.now() });
  const versionsFolder = await mkdtemp(join(tmpdir(), 'daruma-check-'));
  const catalog = createCatalog(
    { time: machineTime, log: silentLog, hostTimezone: () => settings.timezone },
    { folder, versionsFolder, linkFolders: settings.links.folders },
  );
  try {
    await catalog.start();
    return {
      agents: [...catalog.agents().keys()].sort(),
      problems: [...configProblems(folder), ...zoneWarning(origins()), ...catalog.problems()],
      notes: catalog.notes(),
    };
  } finally {
    await catalog.stop();
    await rm(versionsFolder, { recursive: true, force: true });
  }
}

/** The fence that commands of the installation wear. Rejects where the one that is set does not work. */
export async function commandFenceOf(folder: string): Promise<CommandFenceView> {
  const { settings } = readConfig(openConfigFiles(folder), { unattended: true, now: machineTime.now() });
  const { fence, missing } = await findCommandFence(settings.exec.fence);
  return { fence, missing };
}

export { tryFence } from '../../workers/try-fence.ts';

/**
 * Takes out of an answer the values that the store and the versions in force keep as they were given: inputs and keys of jobs, ids, events and headers of deliveries, the state of an agent,
 * its settings, the sources of a version. For a process that knows no secrets, and so cannot tell which of them hold one. `value` is plain data.
 */
function withholdKept(op: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withholdKept(op, one));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, held]) => [
    key,
    held !== null && isKept(op, key, value) ? WITHHELD : withholdKept(op, held),
  ]);
  return Object.fromEntries(entries);
}

function isKept(op: string, key: string, of: object): boolean {
  if ('trigger' in of && 'queuedAt' in of) return key === 'input' || key === 'key';
  if (op === 'deliveries') return key === 'delivery' || key === 'event' || HEADER.test(key);
  if (op === 'sources') return key === 'text';
  if (op === 'state') return key === 'key' || key === 'value';
  return op === 'configShow' && key === 'value' && 'path' in of && FROM_AGENT_FILE.test(String(of.path));
}
