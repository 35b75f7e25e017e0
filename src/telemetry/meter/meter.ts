import { MINUTE_MS } from '../../kernel/measures.ts';
import {
  addToSeries,
  copySeries,
  firstValue,
  labelsText,
  mergeSeries,
  type SeriesKind,
  type SeriesLabels,
  type SeriesValue,
} from '../../kernel/series.ts';
import type { MetricPoint } from './ports.ts';

/** The series of a value: of an agent, or of the host without one. */
interface SeriesOf {
  agent?: string;
  /** Or the text that `labelsText` makes of them: those of each job are not worth making it anew. */
  labels?: SeriesLabels | string;
}

/** A series with all its values since the host started. */
interface SeriesTotal {
  agent: string | null;
  name: string;
  labels: string;
  value: SeriesValue;
}

/**
 * Counts, reads and times, in memory, by series and minute. A value costs a look into a map; the minutes are taken by the loop that
 * writes them down. A kill of the host loses the minute that goes on.
 */
export interface Meter {
  count(name: string, of: SeriesOf, amount?: number): void;
  gauge(name: string, of: SeriesOf, value: number): void;
  /** A length in ms. */
  time(name: string, of: SeriesOf, ms: number): void;
  /** Adds the sums of another process. `labels` as `labelsText` has them. */
  merge(series: { agent: string; name: string; labels: string; value: SeriesValue }): void;
  /** The minutes that are over, each once; with `all` also the one that goes on. */
  take(all?: boolean): MetricPoint[];
  /** The series of an agent, or of the host, since the host started: counters and histograms that only grow, and gauges as last read. */
  totals(agent: string | null): Iterable<SeriesTotal>;
  /** Forgets the totals of agents that are gone. */
  keep(agents: ReadonlySet<string>): void;
}

/** All series of a host: what a bound of each agent would let by with very many agents. */
const MOST_SERIES = 50_000;

interface Entry {
  agent: string | null;
  name: string;
  labels: string;
  minute: number;
  /** Of the minute; undefined: nothing yet. */
  value: SeriesValue | undefined;
  total: SeriesValue;
}

export function createMeter(now: () => number): Meter {
  /** By agent, then by name, then by labels. */
  const agents = new Map<string | null, Map<string, Map<string, Entry>>>();
  let size = 0;
  let open: Entry[] = [];
  let closed: MetricPoint[] = [];

  const minuteNow = () => {
    const at = now();
    return at - (at % MINUTE_MS);
  };

  function entriesOf(agent: string | null, name: string): Map<string, Entry> {
    const names = agents.get(agent) ?? new Map<string, Map<string, Entry>>();
    if (names.size === 0) agents.set(agent, names);
    const entries = names.get(name) ?? new Map<string, Entry>();
    if (entries.size === 0) names.set(name, entries);
    return entries;
  }

  function close(entry: Entry) {
    const { agent, name, labels, minute, value } = entry;
    if (!value) return;
    closed.push({ agent, name, labels, at: minute, value });
    entry.value = undefined;
  }

  /** A series begins with these values, of the minute and of all time. */
  function begin(agent: string | null, name: string, labels: string, [value, total]: [SeriesValue, SeriesValue]) {
    if (size >= MOST_SERIES) return;
    size += 1;
    const entry = { agent, name, labels, minute: minuteNow(), value, total };
    entriesOf(agent, name).set(labels, entry);
    open.push(entry);
  }

  /** The value in the series of the minute that goes on; undefined: it has none yet. */
  function valueNow(entry: Entry): SeriesValue | undefined {
    return entry.value && entry.minute === minuteNow() ? entry.value : undefined;
  }

  /** The series begins its minute with the value. */
  function reopen(entry: Entry, value: SeriesValue) {
    if (entry.value) close(entry);
    else open.push(entry);
    entry.minute = minuteNow();
    entry.value = value;
  }

  function put(kind: SeriesKind, name: string, of: SeriesOf, number: number) {
    const agent = of.agent ?? null;
    const { labels } = of;
    const text = typeof labels === 'string' ? labels : labelsText(labels);
    const known = agents.get(agent)?.get(name)?.get(text);
    if (!known) return begin(agent, name, text, [firstValue(kind, number), firstValue(kind, number)]);
    if (known.total.kind !== kind) return;
    addToSeries(known.total, number);
    const value = valueNow(known);
    if (value) addToSeries(value, number);
    else reopen(known, firstValue(kind, number));
  }

  return {
    count: (name, of, amount = 1) => put('counter', name, of, amount),
    gauge: (name, of, value) => put('gauge', name, of, value),
    time: (name, of, ms) => put('histogram', name, of, Math.max(0, ms)),
    merge({ agent, name, labels, value: later }) {
      const known = agents.get(agent)?.get(name)?.get(labels);
      if (!known) return begin(agent, name, labels, [copySeries(later), copySeries(later)]);
      if (known.total.kind !== later.kind) return;
      mergeSeries(known.total, later);
      const value = valueNow(known);
      if (value) mergeSeries(value, later);
      else reopen(known, copySeries(later));
    },
    take(all = false) {
      const minute = minuteNow();
      const left: Entry[] = [];
      for (const entry of open) {
        if (all || entry.minute !== minute) close(entry);
        else left.push(entry);
      }
      open = left;
      const taken = closed;
      closed = [];
      return taken;
    },
    *totals(agent) {
      for (const entries of agents.get(agent)?.values() ?? [])
        for (const { name, labels, total } of entries.values()) yield { agent, name, labels, value: total };
    },
    keep(names) {
      for (const [agent, series] of agents) {
        if (agent === null || names.has(agent)) continue;
        for (const entries of series.values()) {
          for (const entry of entries.values()) close(entry);
          size -= entries.size;
        }
        agents.delete(agent);
      }
    },
  };
}
