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
  labels?: SeriesLabels;
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
  /** By agent, then by name and labels. */
  const agents = new Map<string | null, Map<string, Entry>>();
  let size = 0;
  let open: Entry[] = [];
  let closed: MetricPoint[] = [];

  function entriesOf(agent: string | null): Map<string, Entry> {
    const known = agents.get(agent);
    if (known) return known;
    const fresh = new Map<string, Entry>();
    agents.set(agent, fresh);
    return fresh;
  }

  function close(entry: Entry) {
    const { agent, name, labels, minute, value } = entry;
    if (!value) return;
    closed.push({ agent, name, labels, at: minute, value });
    entry.value = undefined;
  }

  function put(
    agent: string | null,
    name: string,
    labels: string,
    one: { value: SeriesValue } | { kind: SeriesKind; number: number },
  ) {
    const entries = entriesOf(agent);
    const key = labels === '' ? name : `${name}${labels}`;
    const minute = now() - (now() % MINUTE_MS);
    const known = entries.get(key);
    const fresh = () => ('value' in one ? copySeries(one.value) : firstValue(one.kind, one.number));
    const add = (to: SeriesValue) => ('value' in one ? mergeSeries(to, one.value) : addToSeries(to, one.number));
    if (!known) {
      if (size >= MOST_SERIES) return;
      size += 1;
      const entry = { agent, name, labels, minute, value: fresh(), total: fresh() };
      entries.set(key, entry);
      open.push(entry);
      return;
    }
    if (known.total.kind !== ('value' in one ? one.value.kind : one.kind)) return;
    add(known.total);
    if (known.value && known.minute === minute) return add(known.value);
    if (known.value) close(known);
    else open.push(known);
    known.minute = minute;
    known.value = fresh();
  }

  const text = ({ labels }: SeriesOf) => (labels === undefined ? '' : labelsText(labels));
  return {
    count: (name, of, amount = 1) => put(of.agent ?? null, name, text(of), { kind: 'counter', number: amount }),
    gauge: (name, of, value) => put(of.agent ?? null, name, text(of), { kind: 'gauge', number: value }),
    time: (name, of, ms) => put(of.agent ?? null, name, text(of), { kind: 'histogram', number: Math.max(0, ms) }),
    merge: ({ agent, name, labels, value }) => put(agent, name, labels, { value }),
    take(all = false) {
      const minute = now() - (now() % MINUTE_MS);
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
      for (const { name, labels, total } of agents.get(agent)?.values() ?? [])
        yield { agent, name, labels, value: total };
    },
    keep(names) {
      for (const [agent, entries] of agents) {
        if (agent === null || names.has(agent)) continue;
        for (const entry of entries.values()) close(entry);
        size -= entries.size;
        agents.delete(agent);
      }
    },
  };
}
