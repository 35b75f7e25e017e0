import { HOST_SETTINGS_FILE, type HostSettings, resolveHostSettings } from '../../catalog/files/host-settings.ts';
import type { ValueSource } from '../../catalog/ports.ts';
import { type ChangedSetting, changedSettings, configId } from '../../catalog/rollout/config-change.ts';
import {
  appealOver,
  approve,
  type BadConfig,
  begun,
  type ConfigStanding,
  type ConfigTaken,
  excuse,
  forgive,
  reject,
  stopped,
  told,
  worked,
} from '../../catalog/rollout/config-standing.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { ConfigFiles } from './files.ts';
import { careful, isLive, takeLive } from './live.ts';
import { recordTakenBack } from './words.ts';

/** A text with what it says. */
export interface SaidConfig {
  text: string;
  settings: HostSettings;
  origins: ValueSource[];
}

/** The settings that a host works with, and what is known of them. */
export interface ConfigInUse {
  /** Held by the rooms. What is live changes in place; while they are on trial, nothing deletes more than before. */
  readonly settings: HostSettings;
  /** What is said in the file that they are from. */
  origins(): ValueSource[];
  taken(): ConfigTaken;
  /** What the file says differently from the settings that last worked. */
  readonly changed: readonly ChangedSetting[];
  /** The store of the settings that last worked, as written. */
  readonly goodStore: string;
  /** A host begins with them; the folder is its alone. */
  begun(facts: { wasLost: boolean; afresh: boolean }): void;
  /** It has worked for a while. */
  worked(): void;
  /** It ended as it was asked to, or told why it cannot start. */
  ended(): void;
  /** What is on trial is good from now on: its text is the one to go back to. */
  approve(): void;
  /** What is on trial is bad. True: the good ones are in force again; false: they are when the host starts again. */
  reject(why: Pick<BadConfig, 'kind' | 'why' | 'struck'>, now: number): boolean;
  /** The good ones have the same causes of failure: the file is tried again. True and false as for `reject`. */
  excuse(causes: readonly string[], now: number): boolean;
  /** It was the settings. */
  uphold(): void;
  /** What was rejected has been told. */
  told(): void;
  /** A person wants what the file says now; throws a Fault when that is wrong. `differs`: from what is in force. */
  force(): { differs: ChangedSetting[]; isInForce: boolean };
  /** The good ones, for a host that cannot start with these; undefined when these are not on trial. */
  without(why: string, now: number): ConfigInUse | undefined;
  /** What people are told while other settings than the file's are in force. */
  warning(): PlainFault[];
  /** Calls back when settings have changed in place. */
  onLive(call: (settings: HostSettings) => void): void;
}

export interface InUseNeeds {
  files: ConfigFiles;
  file: SaidConfig;
  /** undefined: none has ever worked here. */
  good: SaidConfig | undefined;
  rollout: ConfigStanding;
  taken: ConfigTaken;
  /** Instead of the concern that follows from what is taken: the file itself is wrong. */
  invalid?: PlainFault;
  /** What is rejected is written down only when it is told: nobody knows yet whether a host starts without it. */
  isUnsure?: boolean;
}

export function createConfigInUse(needs: InUseNeeds): ConfigInUse {
  const { files, file, good, invalid } = needs;
  const changed = good ? changedSettings(good.origins, file.origins) : [];
  let { rollout, taken, isUnsure = false } = needs;
  let inForce = saidBy(taken);
  const settings = structuredClone(
    taken.is === 'on-trial' && good ? careful(file.settings, good.settings) : inForce.settings,
  );
  const calls: ((settings: HostSettings) => void)[] = [];

  function saidBy({ is }: ConfigTaken): SaidConfig {
    return (is === 'taken-back' || invalid) && good ? good : file;
  }

  function put(next: ConfigStanding) {
    if (next === rollout) return;
    rollout = next;
    if (!isUnsure) files.keepStanding(rollout);
  }

  /** What is known of the rejected settings has changed. */
  function putBad(next: ConfigStanding) {
    put(next);
    const { is } = taken;
    if (is !== 'taken-back') return;
    const { id } = taken.bad;
    const bad = rollout.bad.find((one) => one.id === id);
    if (bad) taken = { is, bad };
  }

  function keepRejected() {
    if (taken.is === 'taken-back') files.keepBad(taken.bad.id, file.text);
  }

  /** What is to be in force from now on. False: the host has to start again for it. */
  function take(next: ConfigTaken): boolean {
    taken = next;
    if (!isLive(changed) || !good) return false;
    inForce = saidBy(taken);
    takeLive(settings, taken.is === 'on-trial' ? careful(file.settings, good.settings) : inForce.settings);
    for (const call of calls) call(settings);
    return true;
  }

  return {
    settings,
    origins: () => inForce.origins,
    taken: () => taken,
    changed,
    goodStore: (good ?? file).settings.store.file,
    begun(facts) {
      const isNew = rollout !== files.rollout();
      rollout = begun(rollout, taken, facts);
      if (taken.is === 'on-trial') taken = { ...taken, trial: rollout.trial! };
      if (isUnsure || (!isNew && rollout === needs.rollout)) return;
      files.keepStanding(rollout);
      if (isNew) keepRejected();
    },
    worked() {
      put(worked(rollout, taken));
      if (taken.is === 'good' && !invalid) files.keepGood(file.text);
    },
    ended: () => put(stopped(rollout)),
    approve() {
      files.keepGood(file.text);
      put(approve(rollout));
      taken = { is: 'good' };
      takeLive(settings, file.settings);
      for (const call of calls) call(settings);
    },
    reject(why, now) {
      if (taken.is !== 'on-trial') return true;
      put(reject(rollout, { ...why, changed: [...changed] }, now));
      const isInForce = take({ is: 'taken-back', bad: rollout.bad[0]! });
      keepRejected();
      return isInForce;
    },
    excuse(causes, now) {
      if (taken.is !== 'taken-back') return true;
      put(excuse(rollout, taken.bad.id, causes, now));
      return take({ is: 'on-trial', trial: rollout.trial! });
    },
    uphold() {
      if (taken.is === 'taken-back') putBad(appealOver(rollout, taken.bad.id));
    },
    told() {
      if (taken.is !== 'taken-back') return;
      if (isUnsure) keepRejected();
      isUnsure = false;
      putBad(told(rollout, taken.bad.id));
    },
    force() {
      const text = files.text();
      const said = { text, ...resolveHostSettings(text, HOST_SETTINGS_FILE) };
      const differs = changedSettings(inForce.origins, said.origins);
      files.keepGood(text);
      put(forgive(rollout, configId(said.origins)));
      if (!isLive(differs)) return { differs, isInForce: false };
      taken = { is: 'good' };
      inForce = said;
      takeLive(settings, said.settings);
      for (const call of calls) call(settings);
      return { differs, isInForce: true };
    },
    without(why, now) {
      if (taken.is !== 'on-trial' || !good) return undefined;
      const after = reject(rollout, { kind: 'start', why, changed: [...changed], struck: [] }, now);
      const back: ConfigTaken = { is: 'taken-back', bad: after.bad[0]! };
      return createConfigInUse({ files, file, good, rollout: after, taken: back, isUnsure: true });
    },
    warning() {
      if (invalid) return [invalid];
      return taken.is === 'taken-back' ? [recordTakenBack(taken.bad)] : [];
    },
    onLive: (call) => void calls.push(call),
  };
}
