import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHostText } from '../../catalog/files/host-settings.ts';
import { type ConfigHistory, NO_CONFIG_HISTORY } from './selection.ts';

/** The folder of what the host knows of its settings, relative to the installation. */
const CONFIG_FOLDER = 'data/config';
/** The text of config/daruma.yaml with which a host last worked well. */
export const LAST_GOOD_FILE = `${CONFIG_FOLDER}/last-good.yaml`;
/** The file with the text of bad settings, kept for the person who wrote it. */
export const badFile = (id: string): string => `${CONFIG_FOLDER}/bad-${id}.yaml`;

/** The files about the host's settings. A person's own file is only ever read. */
export interface ConfigFiles {
  /** The text of config/daruma.yaml; empty when there is none. Throws a Fault when the file cannot be read. */
  text(): string;
  /** undefined: no host has worked here yet. */
  lastGood(): string | undefined;
  history(): ConfigHistory;
  /** Like the other `keep` functions, replaces the file as a whole. A disk that takes no file costs what the next process knows, not this one. */
  keepGood(text: string): void;
  keepBad(id: string, text: string): void;
  /** Texts of settings that are not among the bad ones any more are deleted. */
  keepHistory(history: ConfigHistory): void;
}

const HISTORY_FILE = `${CONFIG_FOLDER}/history.json`;
const FORMAT = 1;
/** Settings may be private. */
const OWN = { mode: 0o600 };

export function openConfigFiles(folder: string): ConfigFiles {
  let good: string | undefined;
  let known: ConfigHistory | undefined;

  function read(file: string): string | undefined {
    try {
      return readFileSync(join(folder, file), 'utf8');
    } catch {
      return undefined;
    }
  }

  function write(file: string, text: string) {
    try {
      // An installation that was moved away must not come back as an empty one.
      if (!existsSync(folder)) return;
      mkdirSync(join(folder, CONFIG_FOLDER), { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, `${file}.tmp`), text, OWN);
      renameSync(join(folder, `${file}.tmp`), join(folder, file));
    } catch {
      // The next change is written again.
    }
  }

  function forgetBad(kept: ReadonlySet<string>) {
    try {
      for (const name of readdirSync(join(folder, CONFIG_FOLDER))) {
        const id = /^bad-(\w+)\.yaml$/.exec(name)?.[1];
        if (id !== undefined && !kept.has(id)) rmSync(join(folder, CONFIG_FOLDER, name), { force: true });
      }
    } catch {
      // No file is kept yet.
    }
  }

  return {
    text: () => readHostText(folder),
    lastGood: () => (good ??= read(LAST_GOOD_FILE)),
    history: () => (known ??= parsed(read(HISTORY_FILE))),
    keepGood(text) {
      if (text !== read(LAST_GOOD_FILE)) write(LAST_GOOD_FILE, text);
      good = text;
    },
    keepBad: (id, text) => write(badFile(id), text),
    keepHistory(history) {
      known = history;
      write(HISTORY_FILE, JSON.stringify({ format: FORMAT, ...history }));
      forgetBad(new Set(history.bad.map(({ id }) => id)));
    },
  };
}

function parsed(text: string | undefined): ConfigHistory {
  try {
    const { format, probation, bad } = JSON.parse(text ?? '{}');
    return format === FORMAT ? { probation, bad } : NO_CONFIG_HISTORY;
  } catch {
    return NO_CONFIG_HISTORY;
  }
}
