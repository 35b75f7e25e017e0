import type { ModelsView, RungView, StatusView } from '../../control/protocol.ts';
import type { RungState } from '../../gateway/models/ports.ts';
import { isoOrNull } from '../../kernel/instant.ts';
import type { HostContext } from '../host-context.ts';
import type { OpTable } from './handlers.ts';

type ModelsContext = Pick<HostContext, 'models' | 'settings'>;

/** Answers the operation `models`. */
export function createModelOps({ models, settings }: ModelsContext): Pick<OpTable, 'models'> {
  return {
    async models(): Promise<ModelsView> {
      const gateway = models.view();
      const counts = models.counters.view();
      return {
        gateway,
        why: gateway ? null : (models.fault()?.message ?? whyNone(settings)),
        chain: models.chain().map(viewRung),
        calls: counts.flatMap(({ rung, verdicts }) =>
          Object.entries(verdicts).map(([verdict, count]) => ({ rung, verdict, count })),
        ),
        firstTokenMs: counts.flatMap(({ rung, good, goodMs }) =>
          good === 0 ? [] : [{ rung, ms: Math.round(goodMs / good) }],
        ),
      };
    },
  };
}

function whyNone({ models }: Pick<HostContext, 'settings'>['settings']): string {
  return models.enabled ? 'no agent needs models' : 'models are off in config/daruma.yaml';
}

/** The models of a status; null: no gateway listens. */
export function viewModels(models: Pick<HostContext['models'], 'view' | 'chain'>): StatusView['models'] {
  const gateway = models.view();
  return gateway && { ...gateway, chain: models.chain().map(viewRung) };
}

function viewRung({ until, provenAt, ...rung }: RungState): RungView {
  return { ...rung, until: isoOrNull(until), provenAt: isoOrNull(provenAt) };
}
