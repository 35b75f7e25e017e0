/** A server that agents call, as `status` tells of it. Figures count since the host started. */
export interface OriginView {
  /** `https://api.example`. */
  origin: string;
  /** closed: calls go out. open: it is down, and none does. half-open: one call is out to see. */
  state: 'closed' | 'open' | 'half-open';
  /** null while it is not down. */
  since: string | null;
  /** When the next call goes out to see; null while it is not down, or one is out. */
  probeAt: string | null;
  /** The newest failure, also of one that is well again. */
  last: { at: string; what: string } | null;
  /** Who is asked while it is down, in order. */
  instead: string[];
  calls: number;
  failures: number;
  /** Calls that did not go out because it was down. */
  refused: number;
  /** Until the head of the answer, of its last good calls. */
  p50Ms: number | null;
  p95Ms: number | null;
}
