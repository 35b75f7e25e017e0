import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHostText } from '../../catalog/files/host-settings.ts';
import { type ConfigStanding, NO_CONFIG_STANDING } from '../../catalog/rollout/config-standing.ts';

/** Where it is kept what is known of the host's settings, relative to the installation. */
export const CONFIG_FOLDER = 'data/config';
/** The text of config/daruma.yaml with which a host last worked well. */
export const LAST_GOOD_FILE = `${CONFIG_FOLDER}/last-good.yaml`;
/** Where the text of rejected settings is kept for the person who wrote it. */
export const badFile = (id: string): string => `${CONFIG_FOLDER}/bad-${id}.yaml`;

/** The files about the host's settings. A person's own file is only ever read. */
export interface ConfigFiles {
  /** Of config/daruma.yaml; empty when there is none. Throws a Fault when it cannot be read. */
  text(): string;
  /** undefined: no host has worked here yet. */
  lastGood(): string | undefined;
  rollout(): ConfigStanding;
  /** What follows replaces files as a whole. A disk that takes none costs what the next process knows, not this one. */
  keepGood(text: string): void;
  keepBad(id: string, text: string): void;
  /** Texts of settings that are not among the bad ones any more go. */
  keepStanding(rollout: ConfigStanding): void;
}

const STANDING_FILE = `${CONFIG_FOLDER}/standing.json`;
const FORMAT = 1;
/** What a person wrote may be nobody else's business. */
const OWN = { mode: 0o600 };

export function openConfigFiles(folder: string): ConfigFiles {
  let good: string | undefined;
  let known: ConfigStanding | undefined;

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
      mkdirSync(join(folder, CONFIG_FOLDER), { recursive: true });
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
      // Nothing is kept yet.
    }
  }

  return {
    text: () => readHostText(folder),
    lastGood: () => (good ??= read(LAST_GOOD_FILE)),
    rollout: () => (known ??= parsed(read(STANDING_FILE))),
    keepGood(text) {
      if (text !== read(LAST_GOOD_FILE)) write(LAST_GOOD_FILE, text);
      good = text;
    },
    keepBad: (id, text) => write(badFile(id), text),
    keepStanding(rollout) {
      known = rollout;
      write(STANDING_FILE, JSON.stringify({ format: FORMAT, ...rollout }));
      forgetBad(new Set(rollout.bad.map(({ id }) => id)));
    },
  };
}

function parsed(text: string | undefined): ConfigStanding {
  try {
    const { format, trial, bad } = JSON.parse(text ?? '{}');
    return format === FORMAT ? { trial, bad } : NO_CONFIG_STANDING;
  } catch {
    return NO_CONFIG_STANDING;
  }
}
