import { fileId, hostFilePath } from '../../control/place.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { ControlServer } from '../door/control-server.ts';
import { writeHostFile } from '../door/door.ts';
import type { Ground } from '../ground.ts';
import type { House } from '../house.ts';
import { type HeldWatch, watchHeld } from './watch-held.ts';

export interface HoldNeeds {
  ground: Ground;
  house: Pick<House, 'facts' | 'time'>;
  control: Pick<ControlServer, 'held' | 'listenAgain'>;
  again(why: string): void;
  /** See {@link watchHeld}. */
  end(fault: PlainFault): void;
}

/** The watch over what this host holds, wired to the rooms. */
export function holdOn({ ground, house, control, again, end }: HoldNeeds): HeldWatch {
  const { journal, events, lock, held } = ground;
  const { facts, time } = house;
  const hostFile = hostFilePath(facts.folder);
  let hostFileId = fileId(hostFile);
  return watchHeld({
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
