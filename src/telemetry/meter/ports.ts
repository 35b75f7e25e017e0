import type { SeriesKind, SeriesValue } from '../../kernel/series.ts';
import type { AggregateSpan } from '../ports.ts';

/** The values of a series in the minute of a time. */
export interface MetricPoint {
  /** null: of the host. */
  agent: string | null;
  name: string;
  /** As `labelsText` has them. */
  labels: string;
  /** Epoch ms. */
  at: number;
  value: SeriesValue;
}

export interface MetricFilter {
  span: AggregateSpan;
  /** Spans with from ≤ start < to, epoch ms. */
  from: number;
  to: number;
  /** null: the host's own series. Default: those of all. */
  agent?: string | null;
  name?: string;
}

/** A series with a point for each span in which it was measured, oldest first. */
export interface MetricSeries {
  agent: string | null;
  name: string;
  labels: string;
  kind: SeriesKind;
  points: { at: number; value: SeriesValue }[];
}

/**
 * The series of the meter, by minutes, hours and days (UTC). Hours that are not rolled up yet are read from their minutes, days from their
 * hours. A gauge is kept by its least, its mean and its most.
 */
export interface MetricStore {
  /** Adds to the minutes there are. May be lost at a power cut. */
  putMetrics(points: MetricPoint[]): Promise<void>;
  /** The series by agent, name and labels; without those that have no point. */
  metrics(filter: MetricFilter): Promise<MetricSeries[]>;
  /** Rolls up hours and days that were over at the time, of at most `limit` series a call; false: all are. */
  rollUpMetrics(now: number, limit: number): Promise<boolean>;
  /** Deletes minutes, hours and days that began before a time, in whole hours, days and months of 32 days. */
  pruneMetrics(before: Record<AggregateSpan, number>): Promise<void>;
}
