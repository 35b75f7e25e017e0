/** A channel of the fuzz: an agent of its own name. */
export interface Channel {
  agent: string;
  plugin: string;
  /** The file that it posts to, of the installation. */
  file?: string;
  settings?: Record<string, unknown>;
}

/** The other side of a channel. */
export interface Counterpart {
  /** `real: snac 2.75`, or `stub`. */
  is: string;
  settings?: Record<string, unknown>;
  secrets?: Record<string, string>;
  /** What a reader would see, one text for each post. */
  texts(): Promise<string[]> | string[];
  /** Requests that it knew for a repeat, and did not count again. */
  repeats(): number;
  close?(): Promise<void> | void;
}

export const CHANNELS: readonly Channel[] = [
  { agent: 'post-file', plugin: 'post-file', file: 'posts/status.md' },
  { agent: 'post-feed', plugin: 'post-feed', file: 'posts/feed.xml', settings: { most: 1_000 } },
  { agent: 'post-email', plugin: 'post-email' },
  { agent: 'generic', plugin: 'post-webhook' },
  { agent: 'slack', plugin: 'post-webhook' },
  { agent: 'discord', plugin: 'post-webhook' },
  { agent: 'telegram', plugin: 'post-webhook' },
  { agent: 'ntfy', plugin: 'post-webhook' },
  { agent: 'post-mastodon', plugin: 'post-mastodon' },
  { agent: 'post-bluesky', plugin: 'post-bluesky' },
  { agent: 'post-x', plugin: 'post-x' },
  { agent: 'post-devto', plugin: 'post-devto' },
];
