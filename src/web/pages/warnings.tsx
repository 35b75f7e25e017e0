import type { Ops } from '../../control/protocol.ts';
import { warningWords } from '../../control/words/warning.ts';
import type { PageCall } from '../page.ts';
import { addressOf, Said, Section } from './parts.tsx';

type Warnings = Ops['warnings']['value'];
const MOST = 12;

/** Early warnings; none where neither the host nor its store answers in time. */
export async function earlyWarningsOf({ ask }: Pick<PageCall, 'ask'>): Promise<Warnings> {
  return await ask('warnings', {}).catch((): Warnings => []);
}

/** A list of the warnings, the most certain first; empty without any. A warning needs nobody: the page stays as calm as it is. */
export function WarningList({ warnings, call }: { warnings: Warnings; call: PageCall }) {
  if (warnings.length === 0) return null;
  return (
    <Section title="Early warnings" id="warnings" aside={<span class="dim">before a limit is reached</span>}>
      <ul class="lines">
        {warnings.slice(0, MOST).map((warning) => (
          <li>
            <span class="sign yellow">↗</span> <b>{warning.word}</b>{' '}
            {warning.agent === null ? 'host' : <a href={addressOf('agents', warning.agent)}>{warning.agent}</a>}{' '}
            <Said text={warningWords(warning, call.clock)} /> <span class="next">→ {warning.next}</span>
          </li>
        ))}
      </ul>
      {warnings.length > MOST && <p class="dim">and {warnings.length - MOST} more</p>}
    </Section>
  );
}
