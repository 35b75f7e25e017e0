/** Something that runs until it is stopped. */
export interface Service {
  /** Resolves when it works. A second call changes nothing. */
  start(): Promise<void>;
  /** Resolves when nothing of it is left: no timer, no thread, no open file. Harmless twice and before `start`. */
  stop(): Promise<void>;
  /** When its loop last turned, in `time.monotonic()` ms; undefined while it is not started. */
  alive(): number | undefined;
}
