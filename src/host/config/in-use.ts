import { HOST_SETTINGS_FILE, type HostSettings, resolveHostSettings } from '../../catalog/files/host-settings.ts';
import type { OriginValue } from '../../catalog/ports.ts';
import { type ChangedSetting, changedSettings, configId } from '../../catalog/standing/config-change.ts';
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
} from '../../catalog/standing/config-standing.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { ConfigFiles } from './files.ts';
import { careful, isLive, takeLive } from './live.ts';
import { tellTakenBack } from './words.ts';

/** A text with what it says. */
export interface SaidConfig {
  text: string;
  settings: HostSettings;
  origins: OriginValue[];
}

/** The settings that a host works with, and what is known of them. */
export interface ConfigInUse {
  /** Held by the rooms. What is live changes in place; while they are on trial, nothing deletes more than before. */
  readonly settings: HostSettings;
  /** What is said in the file that they are from. */
  origins(): OriginValue[];
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
  concern(): PlainFault[];
  /** Calls back when settings have changed in place. */
  onLive(call: (settings: HostSettings) => void): void;
}

export interface InUseNeeds {
  files: ConfigFiles;
  file: SaidConfig;
  /** undefined: none has ever worked here. */
  good: SaidConfig | undefined;
  standing: ConfigStanding;
  taken: ConfigTaken;
  /** Instead of the concern that follows from what is taken: the file itself is wrong. */
  invalid?: PlainFault;
  /** What is rejected is written down only when it is told: nobody knows yet whether a host starts without it. */
  isUnsure?: boolean;
}

export function createConfigInUse(needs: InUseNeeds): ConfigInUse {
  const { files, file, good, invalid } = needs;
  const changed = good ? changedSettings(good.origins, file.origins) : [];
  let { standing, taken, isUnsure = false } = needs;
  let inForce = saidBy(taken);
  const settings = structuredClone(
    taken.is === 'on-trial' && good ? careful(file.settings, good.settings) : inForce.settings,
  );
  const calls: ((settings: HostSettings) => void)[] = [];

  function saidBy({ is }: ConfigTaken): SaidConfig {
    return (is === 'taken-back' || invalid) && good ? good : file;
  }

  function put(next: ConfigStanding) {
    if (next === standing) return;
    standing = next;
    if (!isUnsure) files.keepStanding(standing);
  }

  /** What is known of the rejected settings has changed. */
  function putBad(next: ConfigStanding) {
    put(next);
    const { is } = taken;
    if (is !== 'taken-back') return;
    const { id } = taken.bad;
    const bad = standing.bad.find((one) => one.id === id);
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
      const isNew = standing !== files.standing();
      standing = begun(standing, taken, facts);
      if (taken.is === 'on-trial') taken = { ...taken, trial: standing.trial! };
      if (isUnsure || (!isNew && standing === needs.standing)) return;
      files.keepStanding(standing);
      if (isNew) keepRejected();
    },
    worked() {
      put(worked(standing, taken));
      if (taken.is === 'good' && !invalid) files.keepGood(file.text);
    },
    ended: () => put(stopped(standing)),
    approve() {
      files.keepGood(file.text);
      put(approve(standing));
      taken = { is: 'good' };
      takeLive(settings, file.settings);
      for (const call of calls) call(settings);
    },
    reject(why, now) {
      if (taken.is !== 'on-trial') return true;
      put(reject(standing, { ...why, changed: [...changed] }, now));
      const isInForce = take({ is: 'taken-back', bad: standing.bad[0]! });
      keepRejected();
      return isInForce;
    },
    excuse(causes, now) {
      if (taken.is !== 'taken-back') return true;
      put(excuse(standing, taken.bad.id, causes, now));
      return take({ is: 'on-trial', trial: standing.trial! });
    },
    uphold() {
      if (taken.is === 'taken-back') putBad(appealOver(standing, taken.bad.id));
    },
    told() {
      if (taken.is !== 'taken-back') return;
      if (isUnsure) keepRejected();
      isUnsure = false;
      putBad(told(standing, taken.bad.id));
    },
    force() {
      const text = files.text();
      const said = { text, ...resolveHostSettings(text, HOST_SETTINGS_FILE) };
      const differs = changedSettings(inForce.origins, said.origins);
      files.keepGood(text);
      put(forgive(standing, configId(said.origins)));
      if (!isLive(differs)) return { differs, isInForce: false };
      taken = { is: 'good' };
      inForce = said;
      takeLive(settings, said.settings);
      for (const call of calls) call(settings);
      return { differs, isInForce: true };
    },
    without(why, now) {
      if (taken.is !== 'on-trial' || !good) return undefined;
      const after = reject(standing, { kind: 'start', why, changed: [...changed], struck: [] }, now);
      const back: ConfigTaken = { is: 'taken-back', bad: after.bad[0]! };
      return createConfigInUse({ files, file, good, standing: after, taken: back, isUnsure: true });
    },
    concern() {
      if (invalid) return [invalid];
      return taken.is === 'taken-back' ? [tellTakenBack(taken.bad)] : [];
    },
    onLive: (call) => void calls.push(call),
  };
}
