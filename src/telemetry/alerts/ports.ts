/**
 * How much an alert wants of people. `open`: a person has to act · `warning`: there are hours left · `healed`: nobody has to act ·
 * `digest`: what was healed in a day.
 */
export type Severity = 'open' | 'warning' | 'healed' | 'digest';

/** A trouble that holds now, in the words of the room that knows it. Times in epoch ms. */
export interface AlertTrouble {
  /** Equal for what people would call the same trouble: at most one alert fires for each. */
  fingerprint: string;
  severity: 'open' | 'warning';
  /** null: the host. */
  agent: string | null;
  since: number;
  /** When the same last happened anew, for a trouble that is many things. */
  newestAt?: number;
  /** `shop is crash-looping` */
  title: string;
  /** A sentence with figures and limits. */
  seen: string;
  /** Sentences on what was done about it. */
  done: readonly string[];
  /** A sentence: what is left to a person. */
  left: string;
  /** The next command. */
  next: string;
  /** The process or agent that causes it; null: not known, or the agent itself. */
  culprit: string | null;
  /** The incident that it is; null: it is none. */
  incident: string | null;
  /** The subjects that it came of, for its events (`kernel/subjects.ts`). Default: none that is known. */
  cameOf?: readonly string[];
  /** The fingerprint of the trouble that this one comes of: people are told of that one instead. null: of none. */
  parent: string | null;
  /** False: somebody deals with it, and people are told of it only when others come of it that want a person. */
  needsPerson: boolean;
}

/** The content of a trouble that an alert keeps, as last seen. */
type AlertWords = Pick<
  AlertTrouble,
  'title' | 'seen' | 'done' | 'left' | 'next' | 'culprit' | 'incident' | 'cameOf' | 'parent'
>;

/** The words to people about one trouble, from the first word to the last. Times in epoch ms. */
export interface Alert extends AlertWords {
  /** `al-3f9a21` */
  id: string;
  fingerprint: string;
  severity: Severity;
  agent: string | null;
  since: number;
  state: 'firing' | 'over';
  /** The end of the trouble; null: it holds. */
  endedAt: number | null;
  /** Why it is over, in words. */
  ending: string | null;
  /** How often the trouble came back within an hour of its end. */
  returns: number;
  /** The alert stays quiet: while the trouble holds that it came of (`parent`), and until then after its end. */
  quietUntil: number | 'parent' | null;
  /** Oldest first. Between `firing` and `over` people know of the trouble. */
  steps: AlertStep[];
}

/** A thing that people are told. `reminder`: the trouble still holds. `healed`, `digest`: the only step of such an alert. */
export interface AlertStep {
  /** Counts the steps of the alert: part of the keys of its jobs. */
  n: number;
  is: 'firing' | 'reminder' | 'over' | 'healed' | 'digest';
  /** Epoch ms. */
  at: number;
  /** Of a reminder: how many were due by then. */
  due?: number;
  /** Nobody is told of this step, and why. */
  silent?: 'muted';
  deliveries: AlertDelivery[];
}

/**
 * A step on its way to one channel. `planned`: it waits for the delivery before it · `waiting`: its job has not ended ·
 * `delivered`: the job is done · `failed`: the job gave up · `withdrawn`: a later one says the same.
 */
export interface AlertDelivery {
  /** The agent that posts. */
  channel: string;
  state: 'planned' | 'waiting' | 'delivered' | 'failed' | 'withdrawn';
  /** null until it has one. */
  job: string | null;
  /** Epoch ms: since when it is on its way. */
  at: number;
  endedAt: number | null;
  /** Why it failed. */
  why: string | null;
}

/** A stretch of time in which people do not want to be told. Times in epoch ms. */
export interface MaintenanceWindow {
  /** `mw-3`; of a recurring one `alerts.windows[0]`. */
  id: string;
  /** null: everything. */
  agent: string | null;
  from: number;
  until: number;
  note: string | null;
}

/** Which alerts are wanted, newest trouble first. */
export interface AlertFilter {
  /** Not over, or over at that time (epoch ms) or later. */
  since?: number;
  agent?: string;
  limit: number;
}

/** The store of alerts and of maintenance windows that people started. Every method resolves only when what it says is on disk. */
export interface AlertStore {
  /** Writes alerts down, each in place of that with its id. */
  putAlerts(alerts: Alert[]): Promise<void>;
  alerts(filter: AlertFilter): Promise<Alert[]>;
  /** Starts a window now, for so long; the answer has its id. */
  startWindow(window: { agent: string | null; forMs: number; note: string | null }): Promise<MaintenanceWindow>;
  /** Ends windows that hold now: the one of that id, or (null) all. The answer has those that were ended. */
  endWindows(id: string | null): Promise<MaintenanceWindow[]>;
  /** Windows that hold at the time of the store's clock, oldest first. */
  windows(): Promise<MaintenanceWindow[]>;
}
