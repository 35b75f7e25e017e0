import type { PlainFault } from '../../kernel/fault.ts';
import { outOfMemory, refusedFault, thrownFault } from './load-faults.ts';
import type { LoadOutcome, LoadProcesses } from './load-process.ts';
import type { InspectAnswer, InspectRequest } from './messages.ts';

/** Lets a load process load a bundle, and says what the plugin is. */
export async function inspect(ask: InspectRequest, loads: LoadProcesses): Promise<InspectAnswer> {
  const outcome = await loads.load(ask);
  if (outcome.is !== 'found') return { ok: false, fault: outcomeFault(ask, outcome) };
  const { found } = outcome;
  return found.ok
    ? { ok: true, manifest: found.manifest, issues: found.issues }
    : { ok: false, fault: refusedFault(ask, found) };
}

function outcomeFault(ask: InspectRequest, outcome: Exclude<LoadOutcome, { is: 'found' }>): PlainFault {
  const { file, withinMs } = ask;
  const next = 'move what it does at load into `run`';
  switch (outcome.is) {
    case 'late': {
      const message = `did not finish loading within ${withinMs / 1_000} s: it loops or waits at its top level`;
      return { code: 'PLUGIN_LOADS_FOREVER', message, file, next };
    }
    case 'forged': {
      const message = 'writes messages of its own at load where Daruma expects what the plugin is';
      return { code: 'PLUGIN_FORGED', message, file, next: 'leave alone descriptors and ports that it did not open' };
    }
    case 'exit': {
      const message =
        outcome.code === 13
          ? 'never finishes loading: an await at its top level is never settled'
          : `ends its process at load (exit code ${outcome.code})`;
      return { code: 'PLUGIN_LOAD', message, file, next };
    }
    case 'unfenced': {
      const { message } = outcome;
      return { code: 'FENCE_FAILED', message: `is not loaded: ${message}`, file, next: 'daruma doctor' };
    }
    case 'memory':
      return outOfMemory(file);
    case 'error':
      return thrownFault(ask, outcome);
    case 'died':
      return {
        code: 'PLUGIN_LOAD_CRASH',
        message: `brings down its process only by being loaded (${outcome.how})`,
        file,
        next,
      };
  }
}
