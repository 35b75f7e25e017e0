import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import { connectControl } from '../control/client.ts';
import type { SpendRow, SpendStore } from '../gateway/models/spend.ts';
import type { Agent } from '../jobs/agent.ts';
import { zonedDay } from '../kernel/day.ts';
import { isoOf } from '../kernel/instant.ts';
import { DAY_MS } from '../kernel/measures.ts';
import { dollarsOf } from '../kernel/money.ts';
import type { FleetHealth, FleetParts, FleetReport, StoreCopy } from '../plugin/fleet.ts';
import type { UpkeepStore } from '../telemetry/ports.ts';
import { instantOf } from './api/known.ts';
import { writeForAgent } from './backup/agent-file.ts';
import { createProofs, type Proofs } from './backup/prove.ts';
import { createDiagnoses, type Diagnoses, type DiagnosesNeeds } from './diagnosis/diagnosis.ts';
import type { HostFacts } from './facts.ts';
import { type FigureNeeds, figuresOf } from './report/figures.ts';
import { type OutlookNeeds, outlookOf } from './report/outlook.ts';

/** Figures of the installation for agents that need the fleet. */
export interface FleetView {
  /** Times as ISO 8601; default: the last 24 hours. */
  report(from?: string, to?: string): Promise<FleetReport>;
  health(): Promise<FleetHealth>;
  /** A copy of the store, made for the agent where it may write. */
  backUp(to: string, by: Agent): Promise<StoreCopy>;
  /** Has a process of its own prove an archive that lies where the agent may write. */
  proveBackup: Proofs['prove'];
  parts(): Promise<FleetParts>;
  /** The question to a model about an incident that escalated. */
  evidence: Diagnoses['question'];
  /** The evidence of any incident, for people and drills. */
  evidenceOf: Diagnoses['evidence'];
  diagnosed: Diagnoses['answer'];
  /** Ends the processes that prove archives. */
  stop(): void;
}

interface FleetNeeds extends Omit<FigureNeeds, 'store'>, Omit<DiagnosesNeeds, 'store' | 'facts'> {
  settings: Pick<HostSettings, 'timezone' | 'web'> & DiagnosesNeeds['settings'];
  store: OutlookNeeds['store'] & Pick<SpendStore, 'spendRows'> & DiagnosesNeeds['store'] & Pick<UpkeepStore, 'backUp'>;
  parts(): Promise<FleetParts>;
  facts: Pick<HostFacts, 'folder' | 'logFolder' | 'version' | 'startedAt' | 'socket'>;
}

/** A control socket that has not answered within this time counts as down. */
const HEALTH_TIMEOUT_MS = 5_000;

export function createFleet(needs: FleetNeeds): FleetView {
  const { time, store, facts } = needs;
  const diagnoses = createDiagnoses(needs);
  const proofs = createProofs(facts.folder);

  async function report(fromText?: string, toText?: string): Promise<FleetReport> {
    const to = toText === undefined ? time.now() : instantOf(toText);
    const from = fromText === undefined ? to - DAY_MS : instantOf(fromText);
    const { agents, hours, failures } = await figuresOf(needs, from, to);
    const { version, startedAt } = facts;
    const uptimeMs = time.now() - startedAt;
    return {
      from: isoOf(from),
      to: isoOf(to),
      host: { version, startedAt: isoOf(startedAt), uptimeMs, memoryBytes: process.memoryUsage.rss() },
      ...{ agents, hours, failures },
      ...(await outlookOf(needs, agents, from, to)),
      page: pageOf(needs.settings.web),
      ...(await spendOf(needs, from, to)),
    };
  }

  /** Asks over the control socket, as any client does. */
  async function health(): Promise<FleetHealth> {
    const begun = time.monotonic();
    const asked = 'control socket';
    try {
      const answer = await within(HEALTH_TIMEOUT_MS, askSocket());
      return {
        asked,
        ok: true,
        tookMs: time.monotonic() - begun,
        detail: `pid ${answer.pid}, version ${answer.version}`,
      };
    } catch (error) {
      return { asked, ok: false, tookMs: time.monotonic() - begun, detail: (error as Error).message };
    }
  }

  async function askSocket() {
    const client = await connectControl(facts.socket);
    try {
      return await client.ask('ping', {});
    } finally {
      client.close();
    }
  }

  function within<T>(ms: number, work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = time.after(ms, () => reject(new Error(`no answer within ${ms / 1_000} s`)));
      work.then(resolve, reject).finally(cancel);
    });
  }

  return {
    report,
    health,
    backUp: (to, by) => writeForAgent({ to, by, folder: facts.folder }, store.backUp),
    proveBackup: proofs.prove,
    parts: needs.parts,
    evidence: diagnoses.question,
    evidenceOf: diagnoses.evidence,
    diagnosed: diagnoses.answer,
    stop: proofs.stop,
  };
}

/** The address under which people open the page; without a port that is known, none. */
function pageOf({ enabled, origin, host, port }: HostSettings['web']): string | null {
  if (!enabled) return null;
  return origin ?? (port === 0 ? null : `http://${host}:${port}`);
}

/** Of the days that end in the period, since days are all that the ledger keeps; nothing: nobody asked a model. */
async function spendOf(
  { store, settings }: FleetNeeds,
  from: number,
  to: number,
): Promise<Pick<FleetReport, 'models' | 'rungs'>> {
  const last = zonedDay(to, settings.timezone);
  const days = { from: zonedDay(from, settings.timezone).day, to: zonedDay(last.start - 1, settings.timezone).day };
  const rows = await store.spendRows(days);
  if (rows.length === 0) return {};
  const dearest = <Sum extends ReturnType<typeof spendSum>>(sums: Sum[]) =>
    sums.sort((a, b) => b.money - a.money || b.tokens - a.tokens);
  const by = (key: 'agent' | 'rung') => [...Map.groupBy(rows, (row) => row[key])];
  return {
    models: dearest(by('agent').map(([agent, of]) => ({ agent, ...spendSum(of) }))),
    rungs: dearest(by('rung').map(([rung, of]) => ({ rung, ...spendSum(of) }))),
  };
}

function spendSum(rows: readonly SpendRow[]): { calls: number; tokens: number; money: number } {
  return {
    calls: rows.reduce((sum, { calls }) => sum + calls, 0),
    tokens: rows.reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0),
    money: dollarsOf(rows.reduce((sum, { micros }) => sum + micros, 0)),
  };
}
