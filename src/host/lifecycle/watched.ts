import type { PlainFault } from '../../kernel/fault.ts';
import type { HostEndRecord } from '../../kernel/pulse.ts';
import type { Link } from './link.ts';
import type { Systemd } from './systemd.ts';

/** Who starts the host again when it ends. */
export interface Watched {
  by: 'guardian' | 'systemd' | null;
  /** The guardian's process id. */
  guardian: number | null;
  /** A host ran before on the same lock, which may take a moment to be free. */
  restart: boolean;
  /** A person has started it, now: it is no restart after a failure. */
  afresh: boolean;
  safe: boolean;
  lost: HostEndRecord[];
  /** What people are told about it; nothing as long as all is well. */
  warning(): PlainFault[];
}

/** What is known at the start from the guardian, or the lack of one. */
export function watchedBy(link: Link | undefined, systemd: Systemd | undefined, safe = false): Watched {
  if (!link) {
    const by = systemd ? 'systemd' : null;
    return { by, guardian: null, restart: false, afresh: false, safe, lost: [], warning: () => [] };
  }
  const { guardian, restart, lost } = link.orders;
  return {
    by: 'guardian',
    guardian,
    restart,
    afresh: !restart,
    safe: safe || link.orders.safe,
    lost,
    warning: () => (link.isGone() ? [goneGuardian(guardian)] : []),
  };
}

function goneGuardian(pid: number): PlainFault {
  return {
    code: 'GUARDIAN_GONE',
    message: `nobody would start this host again: its guardian (pid ${pid}) is gone; the work goes on`,
    next: 'when it suits you: daruma stop, then daruma start',
    data: { pid },
  };
}
