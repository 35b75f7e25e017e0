import { HOST_SETTINGS_FILE, resolveHostSettings } from '../../catalog/files/host-settings.ts';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { ValueSource } from '../../catalog/ports.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { type ChangedSetting, careful, changedSettings, changeWords, configId, isLive, takeLive } from './change.ts';
import { badFile, type ConfigFiles } from './files.ts';
import {
  approveConfig,
  type BadConfig,
  type ConfigHistory,
  type ConfigSelection,
  configBegun,
  configEnded,
  configReported,
  forgiveConfig,
  rejectConfig,
} from './selection.ts';

/** The text of a settings file with the values that it sets. */
export interface SaidConfig {
  text: string;
  settings: HostSettings;
  origins: ValueSource[];
}

/** The settings that a host works with, and what it knows of them. */
export interface ConfigInUse {
  /** Held by the rooms. Live settings change in place; on probation, no setting deletes more than the good ones did. */
  readonly settings: HostSettings;
  /** The values of the file that the settings are from, with their places. */
  origins(): ValueSource[];
  selection(): ConfigSelection;
  /** Settings of the file that differ from those that last worked. */
  readonly changed: readonly ChangedSetting[];
  /** Whether no host has begun with the settings on probation before. */
  readonly isFirst: boolean;
  /** A host begins with the settings and has the folder's lock. `now` in epoch ms. */
  begun(facts: { isFirstStart: boolean; now: number }): void;
  /** The host has worked for a while: settings that are good are the ones to go back to, others may be approved. */
  worked(): void;
  hasWorked(): boolean;
  /** The host ended as it was asked to, or said why it cannot start. */
  ended(): void;
  /** The settings on probation are good from now on: their text is the one to go back to. */
  approve(): void;
  /** The settings on probation are bad. True: the good ones are in force again; false: they are when the host starts again. */
  reject(why: Pick<BadConfig, 'kind' | 'why'>, now: number): boolean;
  /** The incident about the bad settings is written. */
  reported(): void;
  /** A person wants what the file says now; throws a Fault when the file is wrong. `differs`: from the settings in force. */
  force(): { differs: ChangedSetting[]; isInForce: boolean };
  /** The good settings, for a host that cannot start with these; undefined when these are not on probation. */
  without(why: string, now: number): ConfigInUse | undefined;
  /** Problems that people see while the host uses other settings than the file's. */
  warning(): PlainFault[];
  /** Calls back when settings have changed in place. */
  onLive(call: (settings: HostSettings) => void): void;
}

interface InUseNeeds {
  files: ConfigFiles;
  file: SaidConfig;
  /** undefined: no settings ever worked here. */
  good: SaidConfig | undefined;
  history: ConfigHistory;
  selection: ConfigSelection;
  /** The file itself is wrong: this problem is shown instead of the one that follows from the selection. */
  invalid?: PlainFault;
  /**
   * A rejection is written down only when it is reported, because it is unknown until then whether a host starts without the
   * settings.
   */
  isUnsure?: boolean;
}

export function createConfigInUse(needs: InUseNeeds): ConfigInUse {
  const { files, file, good, invalid } = needs;
  const changed = good ? changedSettings(good.origins, file.origins) : [];
  const isFirst = files.history().probation?.id !== needs.history.probation?.id;
  let { history, selection, isUnsure = false } = needs;
  let inForce = saidBy(selection);
  let hasWorked = false;
  const settings = structuredClone(
    selection.is === 'on-probation' && good ? careful(file.settings, good.settings) : inForce.settings,
  );
  const calls: ((settings: HostSettings) => void)[] = [];

  function saidBy({ is }: ConfigSelection): SaidConfig {
    return (is === 'taken-back' || invalid) && good ? good : file;
  }

  function put(next: ConfigHistory) {
    if (next === history) return;
    history = next;
    if (!isUnsure) files.keepHistory(history);
  }

  function keepRejected() {
    if (selection.is === 'taken-back') files.keepBad(selection.bad.id, file.text);
  }

  function useNow(from: HostSettings) {
    takeLive(settings, from);
    for (const call of calls) call(settings);
  }

  return {
    settings,
    origins: () => inForce.origins,
    selection: () => selection,
    changed,
    isFirst,
    begun(facts) {
      const isNew = history !== files.history();
      history = configBegun(history, facts);
      if (selection.is === 'on-probation') selection = { ...selection, probation: history.probation! };
      if (isUnsure || (!isNew && history === needs.history)) return;
      files.keepHistory(history);
      if (isNew) keepRejected();
    },
    hasWorked: () => hasWorked,
    worked() {
      hasWorked = true;
      if (selection.is === 'good' && !invalid) files.keepGood(file.text);
    },
    ended: () => put(configEnded(history)),
    approve() {
      files.keepGood(file.text);
      put(approveConfig(history));
      selection = { is: 'good' };
      useNow(file.settings);
    },
    reject(why, now) {
      if (selection.is !== 'on-probation') return true;
      put(rejectConfig(history, { ...why, changed: [...changed] }, now));
      selection = { is: 'taken-back', bad: history.bad[0]!, isNew: false };
      keepRejected();
      if (!isLive(changed) || !good) return false;
      inForce = good;
      useNow(good.settings);
      return true;
    },
    reported() {
      if (selection.is !== 'taken-back') return;
      if (isUnsure) keepRejected();
      isUnsure = false;
      const { id } = selection.bad;
      put(configReported(history, id));
      selection = { ...selection, bad: history.bad.find((known) => known.id === id) ?? selection.bad };
    },
    force() {
      const text = files.text();
      const said = { text, ...resolveHostSettings(text, HOST_SETTINGS_FILE) };
      const differs = changedSettings(inForce.origins, said.origins);
      files.keepGood(text);
      put(forgiveConfig(history, configId(said.origins)));
      if (!isLive(differs)) return { differs, isInForce: false };
      selection = { is: 'good' };
      inForce = said;
      useNow(said.settings);
      return { differs, isInForce: true };
    },
    without(why, now) {
      if (selection.is !== 'on-probation' || !good) return undefined;
      const after = rejectConfig(history, { kind: 'start', why, changed: [...changed] }, now);
      const back: ConfigSelection = { is: 'taken-back', bad: after.bad[0]!, isNew: false };
      return createConfigInUse({ files, file, good, history: after, selection: back, isUnsure: true });
    },
    warning() {
      if (invalid) return [invalid];
      return selection.is === 'taken-back' ? [takenBackProblem(selection.bad)] : [];
    },
    onLive: (call) => void calls.push(call),
  };
}

/** The command that puts settings in force which the host went back from. */
export const FORCE = 'daruma config force';

/** `config/daruma.yaml (cells.idle 60s → 1ms): the host was lost twice …` */
export function harmWords({ changed, why }: Pick<BadConfig, 'changed' | 'why'>): string {
  return `${HOST_SETTINGS_FILE} (${changeWords(changed)}): ${why}`;
}

/** The problem that people see as long as the host does not use what the file says. */
function takenBackProblem(bad: BadConfig): PlainFault {
  return {
    code: 'CONFIG_TAKEN_BACK',
    message: `the host went back to the settings that last worked: ${harmWords(bad)}`,
    file: HOST_SETTINGS_FILE,
    next: `mend ${HOST_SETTINGS_FILE}, then daruma stop and daruma start, or force it: ${FORCE}`,
    data: { id: bad.id, kept: badFile(bad.id), changed: bad.changed },
  };
}
