/** The answers of `daruma store`, in `--json` as here. */

/** A row of the store that nobody can read. */
export interface UnreadableView {
  /** The table: `job`, `pause`. */
  table: string;
  /** For people: `job-2s`, an agent's name. */
  row: string;
  agent: string | null;
  /** Each column that cannot be read, with what stands in it. */
  why: string;
}

/** A row that was set aside. */
export interface AsideView extends UnreadableView {
  id: number;
  /** When, ISO 8601. */
  at: string;
  /** The whole row as it was, as the text of a JSON object: its numbers may be beyond what JavaScript reads. */
  content: string;
}

export interface StoreView {
  /** Absolute. */
  file: string;
  schema: number;
  /** With its log. */
  bytes: number;
  /** SQLite's own word on the file: `ok`, or what is damaged. */
  integrity: string;
  /** At most 1,000 of each table. */
  unreadable: UnreadableView[];
  /** So many were set aside just now. */
  mended: number;
  /** Newest first, at most 1,000. */
  setAside: AsideView[];
}
