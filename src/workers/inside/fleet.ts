import { BOUNDS, shown } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { isInstant, isoOf } from '../../kernel/instant.ts';
import { fleetNotInNeeds } from '../../kernel/needs-fault.ts';
import type {
  BackupProof,
  DiagnosisQuestion,
  DiagnosisResult,
  Fleet,
  FleetHealth,
  FleetParts,
  FleetReport,
  StoreCopy,
} from '../../plugin/fleet.ts';
import type { BareCall } from '../wire.ts';
import type { Ask } from './effects.ts';
import { invalid } from './options.ts';

/** `context.fleet`; every use throws when the agent's needs do not ask for it. */
export function createContextFleet(
  ask: Ask,
  { allowed, agent, progress }: { allowed: boolean; agent: string; progress(note: string): void },
): Fleet {
  const look = async (call: BareCall) => {
    if (allowed) return ask(call);
    throw new Fault(fleetNotInNeeds(agent));
  };
  return {
    async report(period = {}) {
      const call: BareCall = { ask: 'fleetReport' };
      if (period.from !== undefined) call.from = instantOf(period.from, 'from');
      if (period.to !== undefined) call.to = instantOf(period.to, 'to');
      return (await look(call)) as FleetReport;
    },
    async health() {
      return (await look({ ask: 'fleetHealth' })) as FleetHealth;
    },
    async backUp(to) {
      if (typeof to !== 'string' || to === '') throw invalid(`backUp: ${shown(to)} is no path of a file`);
      return (await look({ ask: 'backUp', to })) as StoreCopy;
    },
    async proveBackup(file) {
      if (typeof file !== 'string' || file === '') throw invalid(`proveBackup: ${shown(file)} is no path of a file`);
      for (;;) {
        const answer = (await look({ ask: 'proveBackup', file })) as BackupProof | { proving: string };
        if (!('proving' in answer)) return answer;
        // The host answers only when the proof has come further.
        progress(answer.proving);
      }
    },
    async parts() {
      return (await look({ ask: 'fleetParts' })) as FleetParts;
    },
    async evidence(incident) {
      return (await look({ ask: 'fleetEvidence', incident: idOf(incident) })) as DiagnosisQuestion;
    },
    async diagnosed(incident, answer, model) {
      const call: BareCall = { ask: 'fleetDiagnosed', incident: idOf(incident), answer: textOf(answer) };
      if (model !== undefined) call.model = String(model).slice(0, MODEL_LENGTH);
      return (await look(call)) as DiagnosisResult;
    },
  };
}

/** Of the name of a model. */
const MODEL_LENGTH = 200;

function idOf(incident: unknown): string {
  if (typeof incident === 'string' && incident !== '') return incident;
  throw invalid(`${shown(incident)} is no id of an incident`);
}

/** As JSON; the host checks what it says. */
function textOf(answer: unknown): string {
  const text = JSON.stringify(answer);
  if (typeof text === 'string' && text.length <= BOUNDS.payload.most) return text;
  throw invalid(text === undefined ? 'the answer is no JSON' : `the answer has ${text.length} characters`);
}

function instantOf(at: Date | string, name: string): string {
  const ms = at instanceof Date || typeof at === 'string' ? new Date(at).getTime() : Number.NaN;
  if (!isInstant(ms)) throw invalid(`${name}: ${at instanceof Date ? 'the Date' : shown(at)} is no time`);
  return isoOf(ms);
}
