import { createOwnSeries, type MeasuredSeries } from '../../kernel/own-series.ts';
import { packSeries, type SeriesKind, type SeriesLabels } from '../../kernel/series.ts';
import type { FromWorkerThread } from '../wire.ts';

/** Sums are sent so long after the first call. */
const SEND_AFTER_MS = 1_000;
/** Taken before the plugin is loaded, which may put something else in their places. */
const later = setTimeout;
const monotonic = performance.now.bind(performance);

/** The counts of the plugin, summed up in the worker: a message a second at most, however often it is called. */
export interface PluginSeries {
  count(name: string, amount?: number, labels?: SeriesLabels): void;
  gauge(name: string, value: number, labels?: SeriesLabels): void;
  /** Of a function: how long it takes, also where it throws; its result is the answer. */
  time<T>(name: string, what: number | (() => T), labels?: SeriesLabels): T | undefined;
  /** Sends the sums of now. */
  flush(): void;
}

export function createPluginSeries(post: (message: FromWorkerThread) => void, progress: () => void): PluginSeries {
  const book = createOwnSeries();
  let planned = false;
  /** The first series that was one too many, and has not been told. */
  let beyond: string | null = null;

  function add(kind: SeriesKind, name: string, value: number, labels: SeriesLabels | undefined) {
    progress();
    if (!book.add(kind, name, value, labels)) beyond ??= name;
    if (planned) return;
    planned = true;
    later(flush, SEND_AFTER_MS).unref();
  }

  function flush() {
    planned = false;
    const series = book.take().map(({ name, labels, value }): MeasuredSeries => {
      return { name, labels, kind: value.kind, numbers: packSeries(value) };
    });
    if (series.length > 0 || beyond !== null) post({ say: 'measured', series, beyond });
    beyond = null;
  }

  function timed<T>(name: string, run: () => T, labels: SeriesLabels | undefined): T {
    const began = monotonic();
    const end = () => add('histogram', name, monotonic() - began, labels);
    let isWaiting = false;
    try {
      const answer = run();
      if (!(answer instanceof Promise)) return answer;
      isWaiting = true;
      return answer.finally(end) as T;
    } finally {
      if (!isWaiting) end();
    }
  }

  return {
    count: (name, amount = 1, labels) => add('counter', name, amount, labels),
    gauge: (name, value, labels) => add('gauge', name, value, labels),
    time(name, what, labels) {
      if (typeof what === 'function') return timed(name, what, labels);
      add('histogram', name, what, labels);
      return undefined;
    },
    flush,
  };
}
