import { type ResolveTerms, resolveAgent } from './agent.ts';

type Answer = ReturnType<typeof resolveAgent>;

/**
 * {@link resolveAgent} that gives the same answer object for the same terms: with a thousand agents one save must not
 * resolve all of them anew.
 */
export function rememberingResolve(): typeof resolveAgent {
  const answers = new Map<string, { terms: ResolveTerms; answer: Answer }>();
  return (terms) => {
    const last = answers.get(terms.name);
    if (last && isSame(last.terms, terms)) return last.answer;
    const answer = resolveSafely(terms);
    answers.set(terms.name, { terms, answer });
    return answer;
  };
}

/** What no rule foresees in one agent is that agent's problem: the others are resolved all the same. */
function resolveSafely(terms: ResolveTerms): Answer {
  try {
    return resolveAgent(terms);
  } catch (error) {
    const file = terms.file?.file ?? terms.version.entry;
    const message = `cannot be put to work: ${(error as Error).message}`;
    return { fault: { code: 'AGENT_FAILED', message, file, next: 'write it more simply, and report this' } };
  }
}

function isSame(a: ResolveTerms, b: ResolveTerms): boolean {
  return (
    a.version === b.version &&
    a.file === b.file &&
    a.hostTimezone === b.hostTimezone &&
    a.settingsIssues === b.settingsIssues
  );
}
