import * as z from 'zod';
import type { Bounds } from '../../kernel/bounds.ts';
import { checkedLength, checkedSize, formatBound, formatLengthBound } from '../../kernel/units.ts';
import {
  alertFileField,
  channelsField,
  type DeadManSetting,
  deadManField,
  deadManSetting,
  digestAtField,
  shownDeadMan,
  type WindowSetting,
  windowSettings,
  windowsField,
} from './alert-settings.ts';
import { countField, lengthField, sizeField, timezoneField } from './fields.ts';
import {
  budgetField,
  budgetSettings,
  chainField,
  chainSettings,
  DIAGNOSIS_DRILL,
  diagnoseField,
  drillsField,
  FALLBACK_DRILL,
  type ModelBudget,
  type PriceSetting,
  priceSettings,
  pricesField,
  type RungSetting,
} from './model-settings.ts';
import { type OriginSetting, originSettings, originsField } from './origin-settings.ts';

/** A kind of value of a setting: how it is written in the file, and what the rooms get. */
interface SettingKind<Said, Value, Unit extends string> {
  schema: z.ZodType<Said>;
  /** The ending of the name under which the rooms have the value: `maxFile` is `maxFileBytes`. */
  unit: Unit;
  /** The value of a text that passed the schema. */
  read(said: Said): Value;
  /** The form of the value, for the page of settings. */
  allowed: string;
  /** The value for people, where a part of it is a secret. Default: as it was said. */
  shown?(said: Said): unknown;
}

/** A length of time as `30d`; the rooms get milliseconds. */
export const length = (bounds: Bounds): SettingKind<string, number, 'Ms'> => ({
  schema: lengthField(bounds),
  unit: 'Ms',
  read: (said) => checkedLength(said, bounds),
  allowed: `${formatLengthBound(bounds.least)} to ${formatLengthBound(bounds.most)}`,
});

/** A size as `50MB`; the rooms get bytes. */
export const size = (bounds: Bounds): SettingKind<string, number, 'Bytes'> => ({
  schema: sizeField(bounds),
  unit: 'Bytes',
  read: (said) => checkedSize(said, bounds),
  allowed: `${formatBound(bounds.least)} to ${formatBound(bounds.most)}`,
});

/** A whole number. */
export const countSetting = (bounds: Bounds): SettingKind<number, number, ''> => ({
  schema: countField(bounds),
  unit: '',
  read: (said) => said,
  allowed: `${bounds.least} to ${bounds.most}`,
});

/** A path, of at most `most` characters where that is given. */
export const path = (most?: number): SettingKind<string, string, ''> => ({
  schema: most === undefined ? z.string().min(1) : z.string().min(1).max(most),
  unit: '',
  read: (said) => said,
  allowed: 'a path',
});

/** Paths, a list of them. */
export const paths: SettingKind<string[], readonly string[], ''> = {
  schema: z.array(z.string().min(1), { error: 'expected a list of paths' }).max(100),
  unit: '',
  read: (said) => said,
  allowed: 'a list of paths',
};

/** A text of at most `most` characters. */
export const words = (most: number, allowed: string): SettingKind<string, string, ''> => ({
  schema: z.string().min(1).max(most),
  unit: '',
  read: (said) => said,
  allowed,
});

/** true or false. */
export const truth: SettingKind<boolean, boolean, ''> = {
  schema: z.boolean({ error: 'expected true or false' }),
  unit: '',
  read: (said) => said,
  allowed: 'true, false',
};

/** A setting whose value is one of these words. */
export const choice = <Word extends string>(words: readonly Word[]): SettingKind<Word, Word, ''> => ({
  schema: z.enum(words as [Word, ...Word[]]),
  unit: '',
  read: (said) => said,
  allowed: words.join(', '),
});

/** An IANA name. */
export const zone: SettingKind<string, string, ''> = {
  schema: timezoneField,
  unit: '',
  read: (said) => said,
  allowed: 'an IANA name',
};

/** Terms of calls to servers, by origin; each origin is shown as a setting of its own. */
export const origins: SettingKind<z.output<typeof originsField>, Record<string, OriginSetting>, ''> = {
  schema: originsField,
  unit: '',
  read: originSettings,
  allowed: 'terms by origin',
};

/** The chain of rungs that the model gateway asks, in order. */
export const modelChain: SettingKind<z.output<typeof chainField>, readonly RungSetting[], ''> = {
  schema: chainField,
  unit: '',
  read: chainSettings,
  allowed: 'a list of rungs',
};

/** Prices of models. */
export const modelPrices: SettingKind<z.output<typeof pricesField>, readonly PriceSetting[], ''> = {
  schema: pricesField,
  unit: '',
  read: priceSettings,
  allowed: 'a list of prices',
};

/** Limits of the calls of models within a day. */
export const modelBudget: SettingKind<z.output<typeof budgetField>, ModelBudget, ''> = {
  schema: budgetField,
  unit: '',
  read: budgetSettings,
  allowed: 'calls, tokens, money',
};

/** Terms of diagnoses by a model. */
export const diagnose: SettingKind<
  z.output<typeof diagnoseField>,
  { autonomy: 'suggest' | 'act'; perDay: number },
  ''
> = {
  schema: diagnoseField,
  unit: '',
  read: ({ autonomy = 'suggest', perDay = 5 }) => ({ autonomy, perDay }),
  allowed: 'autonomy, perDay',
};

/** Agents that post. */
export const channels: SettingKind<string[], readonly string[], ''> = {
  schema: channelsField,
  unit: '',
  read: (said) => said,
  allowed: 'a list of agents',
};

/** When the digest is sent. */
export const digestTime: SettingKind<string, string, ''> = {
  schema: digestAtField,
  unit: '',
  read: (said) => said,
  allowed: 'a cron expression',
};

/** Maintenance windows that come again and again. */
export const windows: SettingKind<z.output<typeof windowsField>, readonly WindowSetting[], ''> = {
  schema: windowsField,
  unit: '',
  read: windowSettings,
  allowed: 'a list of cron, for, agents',
};

/** The address that is pinged as long as all is well. */
export const deadMan: SettingKind<z.output<typeof deadManField>, DeadManSetting, ''> = {
  schema: deadManField,
  unit: '',
  read: deadManSetting,
  allowed: 'url, every',
  shown: shownDeadMan,
};

/** The file of alerts; null: none. */
export const alertFile: SettingKind<string | false, string | null, ''> = {
  schema: alertFileField,
  unit: '',
  read: (said) => said || null,
  allowed: 'a path, false',
};

/** When the drills of models run; null: never. */
export const modelDrills: SettingKind<
  z.output<typeof drillsField>,
  { fallback: string | null; diagnosis: string | null },
  ''
> = {
  schema: drillsField,
  unit: '',
  read: ({ fallback = FALLBACK_DRILL, diagnosis = DIAGNOSIS_DRILL }) => ({
    fallback: fallback || null,
    diagnosis: diagnosis || null,
  }),
  allowed: 'fallback, diagnosis',
};

/** A row of the table of the host's settings. */
export interface Setting<Path extends string, Said, Value, Unit extends string> {
  /** `logs.maxFile`, or `timezone` outside of all groups. */
  path: Path;
  kind: SettingKind<Said, Value, Unit>;
  /** The default as a person would write it; a function where it depends on the machine. */
  fallback: Said | undefined | (() => Said);
  /** The host takes a change without starting again. */
  live: boolean;
  /**
   * A smaller value deletes data that a larger value keeps: no smaller value holds before the settings are known to be
   * good.
   */
  deletes: boolean;
  /** A sentence for people. */
  about: string;
}

interface Terms {
  live?: boolean;
  deletes?: boolean;
  about: string;
}

/** `setting('logs.maxFile', size(BOUNDS.disk), '50MB', { about: 'A file that is larger is rolled.' })`: neither live nor deleting unless said. */
export function setting<
  const Path extends string,
  Said,
  Value,
  Unit extends string,
  Fallback extends Said | undefined | (() => Said),
>(
  path: Path,
  kind: SettingKind<Said, Value, Unit>,
  fallback: Fallback,
  { live = false, deletes = false, about }: Terms,
): Setting<Path, Said, undefined extends Fallback ? Value | undefined : Value, Unit> {
  return { path, kind, fallback, live, deletes, about } as never;
}
