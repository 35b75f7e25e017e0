import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';

export interface CatalogNeeds {
  time: Time;
  log: Log;
  /** The zone of schedules that name none. */
  hostTimezone(): string;
}

export interface CatalogOptions {
  /** The installation, absolute and without symbolic links. */
  folder: string;
  /** Where versions are kept; absolute. It is made when missing. */
  versionsFolder: string;
  /** What all kept versions may take together, asked each time; default 256 MB. Good versions stay in any case. */
  versionsBudgetBytes?: () => number;
  /** Folders outside of the installation to which links in `plugins/` may lead; absolute or relative to it. Default: none. */
  linkFolders?: readonly string[];
  /** A file that has not changed for this long is finished. Default 100 ms. */
  settleMs?: number;
  /** A file that is missing or empty for this long is meant to be. Default 2 s. */
  goneMs?: number;
  /** Everything is looked at this often, whatever the watcher says. Default 30 s. */
  scanMs?: number;
  /** The longest that compiling one plugin may take. Default 20 s. */
  compileMs?: number;
  /** The longest that loading one plugin may take. Default 5 s. */
  inspectMs?: number;
  /** The builder is kept this long after its last request. Default 10 s. */
  warmMs?: number;
}
