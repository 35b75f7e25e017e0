import type { DoctorCheck } from '../../control/protocol.ts';
import type { PageCall } from '../page.ts';
import { Said, Section, State, withQuery } from './parts.tsx';

const STATES: Readonly<Record<DoctorCheck['state'], string>> = {
  ok: 'ok',
  warning: 'late',
  problem: 'failed',
  unknown: 'off',
};

/**
 * The checks of `daruma doctor` that the host carries out. The checks are asked for: a page that is only looked at costs the host none of
 * them. `checks` undefined: nobody has asked.
 */
export function Doctor({ checks, call }: { checks: readonly DoctorCheck[] | undefined; call: PageCall }) {
  const isAsked = call.query.has('doctor');
  return (
    <Section title="Doctor" id="doctor">
      {!isAsked && (
        <p>
          <a class="button" href={`${withQuery(call, { doctor: '1' })}#doctor`}>
            Check everything
          </a>{' '}
          <span class="dim">the checks of daruma doctor, each with its fix</span>
        </p>
      )}
      {isAsked && !checks && <p class="empty">The host gave no answer.</p>}
      {checks && (
        <ul class="lines">
          {checks.map(({ name, state, text, fix }) => (
            <li>
              <State state={STATES[state]} word={name} /> <Said text={text} />
              {fix && <span class="next"> → {fix}</span>}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
