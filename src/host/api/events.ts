import type { EventView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { subject } from '../../kernel/subjects.ts';
import type { EventStore, KeptEvent } from '../../telemetry/ports.ts';

export function viewEvent({ at, data, ...event }: KeptEvent): EventView {
  return { ...event, at: isoOf(at), data: data ?? null };
}

/**
 * The line of causes of an event (`812`) or an incident (`inc-41`), and what came of it, newest first as all events are. Rejects with
 * `EVENT_UNKNOWN`.
 */
export async function causeLine(store: Pick<EventStore, 'causesOf'>, of: string, limit: number): Promise<EventView[]> {
  const found = await store.causesOf(/^\d/.test(of) ? { id: Number(of) } : { about: subject.incident(of) }, limit);
  if (found) return [...found.line, ...found.after].map(viewEvent).reverse();
  throw new Fault({
    code: 'EVENT_UNKNOWN',
    message: `no event ${/^\d/.test(of) ? of : `of ${of}`} is kept`,
    next: of.startsWith('inc') ? `daruma incidents ${of}` : 'daruma events',
  });
}
