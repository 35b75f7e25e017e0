import type { ConfigView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import type { HostContext } from '../host-context.ts';
import type { OpTable } from './handlers.ts';
import { isoOrNull } from './views.ts';

/** The probation of `config/daruma.yaml`; null: its settings are known to be good. */
export function viewConfig({ config, configWatch }: Pick<HostContext, 'config' | 'configWatch'>): ConfigView | null {
  const selection = config.selection();
  if (selection.is === 'good') return null;
  const changed = [...config.changed];
  if (selection.is === 'taken-back') return { is: 'taken-back', until: null, why: selection.bad.why, changed };
  return { is: 'on-probation', until: isoOrNull(configWatch.until()), why: null, changed };
}

/** The operations that change which settings of the host are in force. */
export function configOps({
  config,
  configWatch,
  events,
}: Pick<HostContext, 'config' | 'configWatch' | 'events'>): Pick<OpTable, 'configRollback' | 'configForce'> {
  return {
    async configRollback() {
      if (configWatch.rollBack()) return { changed: [...config.changed] };
      const message = 'config/daruma.yaml is not on probation: there is nothing to go back from';
      throw new Fault({ code: 'NOTHING_BEFORE', message, next: 'daruma config show' });
    },
    async configForce() {
      const changed = configWatch.force();
      events.record('info', {
        kind: 'config.forced',
        agent: null,
        message: 'what config/daruma.yaml says counts as good: it was forced by hand',
        data: { changed },
      });
      return { changed };
    },
  };
}
