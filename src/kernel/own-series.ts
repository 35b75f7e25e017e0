import { shown } from './bounds.ts';
import { Fault } from './fault.ts';
import {
  addToSeries,
  firstValue,
  labelsText,
  mergeSeries,
  type SeriesKind,
  type SeriesLabels,
  type SeriesValue,
} from './series.ts';
import { isJsonText } from './shape.ts';

/** The bounds of what an author counts, for each agent: a series is a row of the store for each hour of two days. */
export const OWN_SERIES = { names: 50, labels: 4, valuesOfLabel: 50, series: 200, text: 64 } as const;

/** A series that an author counts, and its values since they were last handed on. */
export interface OwnSeries {
  name: string;
  /** As {@link labelsText} has them. */
  labels: string;
  value: SeriesValue;
}

/** Sums of what a plugin counted since the last message. `beyond`: the first series that was one too many, and is left out. */
export interface Measures {
  series: MeasuredSeries[];
  beyond: string | null;
}

/** A series with its values as kernel/series.ts packs them. */
export interface MeasuredSeries {
  name: string;
  labels: string;
  kind: SeriesKind;
  numbers: number[];
}

/**
 * The series of one agent, as its worker and its host each keep them: at most {@link OWN_SERIES} of them, whatever the author names.
 */
interface OwnSeriesBook {
  /** Adds a value. False: the series is one too many. Throws `METRIC_INVALID` for a name, a label or a value that is none. */
  add(kind: SeriesKind, name: string, value: number, labels?: SeriesLabels): boolean;
  /** Adds values of a worker, which may be anything. False: the series is one too many, or of another kind than before. */
  merge(series: OwnSeries): boolean;
  /** The values since the last call. */
  take(): OwnSeries[];
}

interface Entry {
  name: string;
  labels: string;
  kind: SeriesKind;
  value: SeriesValue | undefined;
}

export function createOwnSeries(): OwnSeriesBook {
  const entries = new Map<string, Entry>();
  const kinds = new Map<string, SeriesKind>();
  /** The values of each label of each name. */
  const values = new Map<string, Set<string>>();
  let changed: Entry[] = [];

  function entryOf(kind: SeriesKind, name: string, labels: string, parts: SeriesLabels | undefined): Entry | undefined {
    const key = labels === '' ? name : `${name}${labels}`;
    const known = entries.get(key);
    if (known) return known;
    if (!kinds.has(name) && kinds.size >= OWN_SERIES.names) return undefined;
    if (entries.size >= OWN_SERIES.series || !hasRoom(name, parts)) return undefined;
    for (const [label, value] of Object.entries(parts ?? {})) setOf(`${name} ${label}`).add(value);
    kinds.set(name, kind);
    const fresh = { name, labels, kind, value: undefined };
    entries.set(key, fresh);
    return fresh;
  }

  function setOf(label: string): Set<string> {
    const set = values.get(label) ?? new Set();
    values.set(label, set);
    return set;
  }

  function hasRoom(name: string, labels: SeriesLabels = {}): boolean {
    return Object.entries(labels).every(([label, value]) => {
      const known = values.get(`${name} ${label}`);
      return !known || known.size < OWN_SERIES.valuesOfLabel || known.has(value);
    });
  }

  function put(entry: Entry, fresh: () => SeriesValue, more: (known: SeriesValue) => void) {
    if (entry.value) return more(entry.value);
    entry.value = fresh();
    changed.push(entry);
  }

  return {
    add(kind, name, value, labels) {
      // Texts that are known need no second look: a call costs a look into a map.
      const text = labels === undefined ? '' : textOfLabels(name, labels);
      const known = entries.get(text === '' ? name : `${name}${text}`);
      if (!known) checkName(name);
      if (known ? known.kind !== kind : (kinds.get(name) ?? kind) !== kind) throw otherKind(name, kind);
      checkValue(kind, name, value);
      const entry = known ?? entryOf(kind, name, text, labels);
      if (!entry) return false;
      put(
        entry,
        () => firstValue(kind, value),
        (sum) => addToSeries(sum, value),
      );
      return true;
    },
    merge({ name, labels, value }) {
      if ((kinds.get(name) ?? value.kind) !== value.kind) return false;
      const parts = Object.fromEntries(labels === '' ? [] : (JSON.parse(labels) as [string, string][]));
      const entry = entryOf(value.kind, name, labels, parts);
      if (!entry) return false;
      put(
        entry,
        () => value,
        (sum) => mergeSeries(sum, value),
      );
      return true;
    },
    take() {
      const taken = changed.map((entry) => {
        const { name, labels, value } = entry;
        entry.value = undefined;
        return { name, labels, value: value! };
      });
      changed = [];
      return taken;
    },
  };
}

const NAME = /^[A-Za-z][A-Za-z0-9_.]*$/;
const LABEL = /^[A-Za-z][A-Za-z0-9_]*$/;
/** Beyond it sums are no whole numbers any more. */
const MOST = Number.MAX_SAFE_INTEGER;

/** Whether a text is the name of a series. */
export function isSeriesName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= OWN_SERIES.text && NAME.test(name);
}

/** A label has no dot: it is a label of Prometheus as well. */
function isLabel(name: unknown): boolean {
  return isSeriesName(name) && LABEL.test(name);
}

/** Whether a text is that of labels within the bounds. */
export function isSeriesLabels(text: unknown): text is string {
  if (text === '') return true;
  if (typeof text !== 'string' || text.length > 8 * OWN_SERIES.labels * OWN_SERIES.text || !isJsonText(text))
    return false;
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts) || parts.length > OWN_SERIES.labels) return false;
  return parts.every((part) => Array.isArray(part) && isLabel(part[0]) && typeof part[1] === 'string');
}

function checkName(name: unknown): void {
  if (isSeriesName(name)) return;
  throw invalid(`${shown(name)} is no name of a series`, `letters, digits, _ and ., at most ${OWN_SERIES.text}`);
}

function checkValue(kind: SeriesKind, name: string, value: unknown): void {
  const isNumber = typeof value === 'number' && Math.abs(value) <= MOST;
  if (isNumber && (kind === 'gauge' || value >= 0)) return;
  const what = kind === 'gauge' ? 'a finite number' : 'a number that is not below 0';
  throw invalid(`${shown(name)} was given ${shown(value)}`, `hand over ${what}`);
}

function textOfLabels(name: string, labels: unknown): string {
  if (typeof labels !== 'object' || labels === null)
    throw invalid(`the labels of ${shown(name)} are no object`, `{ shop: 'one' }`);
  const parts = Object.entries(labels);
  if (parts.length > OWN_SERIES.labels)
    throw invalid(`${shown(name)} has ${parts.length} labels`, `at most ${OWN_SERIES.labels}`);
  for (const [label, value] of parts) {
    if (!isLabel(label))
      throw invalid(`${shown(label)} is no name of a label`, `letters, digits and _, at most ${OWN_SERIES.text}`);
    if (typeof value === 'string' && value.length <= OWN_SERIES.text) continue;
    throw invalid(`${label} of ${shown(name)} is ${shown(value)}`, `texts, at most ${OWN_SERIES.text} characters`);
  }
  return labelsText(labels as SeriesLabels);
}

function otherKind(name: string, kind: SeriesKind): Fault {
  return invalid(`${name} is used as a ${kind}, and as something else before`, 'a name of its own for each');
}

function invalid(message: string, next: string): Fault {
  return new Fault({ code: 'METRIC_INVALID', message, next });
}
