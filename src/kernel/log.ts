/** A line of the host's own log. Rooms get one; where it goes is telemetry's matter. */
export interface Log {
  debug(message: string, data?: Record<string, unknown>): void;
  info(message: string, data?: Record<string, unknown>): void;
  warn(message: string, data?: Record<string, unknown>): void;
  error(message: string, data?: Record<string, unknown>): void;
}

/** Levels of a line of the log. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** All levels, from the lowest to the highest. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A line of the log that a plugin wrote. `at`: epoch ms. */
export interface PluginLine {
  at: number;
  level: LogLevel;
  agent: string;
  job: string;
  worker: string;
  message: string;
  /** JSON text, some 16 KB at most; null for none. */
  data: string | null;
}

/** For tests and tools that want no log. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
