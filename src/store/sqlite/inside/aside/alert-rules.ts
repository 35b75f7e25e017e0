import { noRow, noTime, notObject } from './column-checks.ts';

/** The rules of alerts and of maintenance windows. */
export const ALERT_RULES = {
  alert: {
    key: 'id',
    agent: 'agent',
    required: {
      since: noTime('since'),
      record: notObject('record', { fingerprint: 'text', title: 'text', state: 'text' }),
    },
    mended: { ended_at: { isBad: noTime('ended_at'), instead: 'NULL' } },
  },
  maintenance: {
    key: `'mw-' || id`,
    agent: 'agent',
    required: { id: noRow('id'), begins: noTime('begins'), ends: noTime('ends') },
    mended: {},
  },
};
