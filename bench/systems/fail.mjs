/** The faults of bench/healing.ts that a program can do to itself. */
import { pbkdf2Sync } from 'node:crypto';

const MEGABYTE = 1024 ** 2;
const held = [];

/** Calls `note('fault')` as it begins. `limitMb`: from which on leaked buffers are a fault; they grow by 20 MB a second. */
export function fail(fault, note, { limitMb, bytes }) {
  switch (fault) {
    case 'crash':
      setTimeout(() => {
        note('fault');
        throw new Error('a fault on purpose');
      });
      return;
    case 'buffers': {
      let isOver = false;
      setInterval(() => {
        held.push(Buffer.alloc(MEGABYTE, 1));
        if (!isOver && bytes() > limitMb * MEGABYTE) {
          isOver = true;
          note('fault');
        }
        if (isOver && held.length % 10 === 0) note('memory');
      }, 50);
      return;
    }
    case 'hang':
      note('fault');
      for (;;);
    case 'silence':
      note('fault');
      setInterval(() => {}, 1_000);
      return;
    case 'native':
      note('fault');
      pbkdf2Sync('a', 'bench', 2 ** 31 - 1, 64, 'sha512');
  }
}
