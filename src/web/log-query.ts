import { LOG_LEVELS, type LogLevel } from '../kernel/log.ts';

/** The lines of the log that a query asks for: the same for the page and for the stream that follows it. */
export function logQueryOf(query: URLSearchParams): { agent?: string; text?: string; level: LogLevel } {
  const said = (name: string) => query.get(name)?.slice(0, 200).trim() || undefined;
  const [agent, text] = [said('agent'), said('text')];
  const level = LOG_LEVELS.find((one) => one === query.get('level')) ?? 'debug';
  return { level, ...(agent && { agent }), ...(text && { text }) };
}
