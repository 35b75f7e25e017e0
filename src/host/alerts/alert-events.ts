import { oneLine } from '../../kernel/shown-text.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Alert, AlertStep } from '../../telemetry/alerts/ports.ts';
import type { Events } from '../../telemetry/events.ts';

/**
 * Records that people are told of a trouble, or of its end: the begin came of the incident, the warning or the dead letter, the end of the
 * end of the incident, or else of the begin. Reminders, digests and steps that nobody is told of are no event.
 */
export function recordAlert(events: Pick<Events, 'record'>, alert: Alert, step: AlertStep): void {
  const { id, agent, severity, title, incident, cameOf = [] } = alert;
  if (step.silent || (step.is !== 'firing' && step.is !== 'over')) return;
  const own = subject.alert(id);
  const ofIncident = incident === null ? [] : [subject.incident(incident)];
  const isOver = step.is === 'over';
  events.record(isOver || severity !== 'open' ? 'info' : 'warn', {
    ...{ kind: `alert.${step.is}`, agent, who: 'alerts' },
    message: isOver ? `people are told that it is over: ${oneLine(title)}` : `people are told: ${oneLine(title)}`,
    data: { alert: id, severity, incident },
    ...{ about: [own], cameOf: isOver ? [...ofIncident, own] : [...cameOf] },
  });
}
