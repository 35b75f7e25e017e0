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
    const answer = resolveAgent(terms);
    answers.set(terms.name, { terms, answer });
    return answer;
  };
}

function isSame(a: ResolveTerms, b: ResolveTerms): boolean {
  return (
    a.version === b.version &&
    a.file === b.file &&
    a.hostTimezone === b.hostTimezone &&
    a.settingsIssues === b.settingsIssues
  );
}
