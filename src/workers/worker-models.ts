import type { Agent } from '../jobs/agent.ts';
import { Fault } from '../kernel/fault.ts';
import { portOf } from './host-allow-list.ts';
import type { OpenModels, WorkersNeeds } from './ports.ts';

/** The code of a model gateway that is not there. */
export const MODELS_NOT_THERE = 'MODELS_NOT_THERE';

/** Models of a worker; all undefined or null for an agent without `needs.llm`. */
export interface WorkerModels {
  llm: OpenModels | null;
  port?: number;
  /** Thrown by a gateway that is not there. */
  thrown?: unknown;
}

/** Opens the models to a worker; never throws. */
export function openModels({ models }: Pick<WorkersNeeds, 'models'>, worker: string, agent: Agent): WorkerModels {
  if (agent.needs.llm === false) return { llm: null };
  try {
    if (!models) throw new Fault({ code: MODELS_NOT_THERE, message: 'there is no model gateway' });
    const llm = models(worker, agent);
    return { llm, port: portOf(new URL(llm.baseURL)) };
  } catch (error) {
    return { llm: null, thrown: error };
  }
}
