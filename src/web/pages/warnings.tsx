import type { Ops } from '../../control/protocol.ts';
import type { PageCall } from '../page.ts';
import { addressOf, Said, Section } from './parts.tsx';

type Warnings = Ops['warnings']['value'];
const MOST = 12;

/** Early warnings; none where neither the host nor its store answers in time. */
export async function earlyWarningsOf({ ask }: Pick<PageCall, 'ask'>): Promise<Warnings> {
  return await ask('warnings', {}).catch((): Warnings => []);
}

/** A list of the warnings; empty without any. A warning needs nobody: the page stays as calm as it is. */
export function EarlyWarnings({ warnings }: { warnings: Warnings }) {
  if (warnings.length === 0) return null;
  return (
    <Section title="Early warnings" id="warnings" aside={<span class="dim">24 h against the week before</span>}>
      <ul class="lines">
        {warnings.slice(0, MOST).map(({ agent, text }) => (
          <li>
            <span class="sign yellow">↗</span>{' '}
            {agent === null ? 'all agents' : <a href={addressOf('agents', agent)}>{agent}</a>} <Said text={text} />
          </li>
        ))}
      </ul>
      {warnings.length > MOST && <p class="dim">and {warnings.length - MOST} more</p>}
    </Section>
  );
}
