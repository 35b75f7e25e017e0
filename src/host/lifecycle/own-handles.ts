import { fileId, hostFilePath } from '../../control/place.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { ControlServer } from '../api/control-server.ts';
import { writeHostFile } from '../api/open-control.ts';
import type { Foundation } from '../foundation.ts';
import type { HostContext } from '../host-context.ts';
import { type HandlesWatch, watchHandles } from './watch-handles.ts';

interface OwnHandlesNeeds {
  foundation: Foundation;
  hostContext: Pick<HostContext, 'facts' | 'time'>;
  control: Pick<ControlServer, 'held' | 'listenAgain'>;
  again(why: string): void;
  /** See {@link watchHandles}. */
  end(fault: PlainFault): void;
}

/** The watch over what this host holds, wired to the rooms. */
export function watchOwnHandles({ foundation, hostContext, control, again, end }: OwnHandlesNeeds): HandlesWatch {
  const { journal, events, lock, held } = foundation;
  const { facts, time } = hostContext;
  const hostFile = hostFilePath(facts.folder);
  let hostFileId = fileId(hostFile);
  return watchHandles({
    time,
    events,
    log: journal.room('host'),
    held: () => [
      ...held,
      { what: 'socket', ...control.held() },
      { what: 'log', ...journal.file.held() },
      { what: 'host-file', path: hostFile, id: hostFileId },
    ],
    placeNow: lock.claim.placeNow,
    repair: {
      socket: control.listenAgain,
      log: journal.file.reopen,
      'host-file'() {
        writeHostFile(facts);
        hostFileId = fileId(hostFile);
      },
    },
    again,
    end,
  });
}
