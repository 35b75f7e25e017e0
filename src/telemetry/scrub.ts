/** Shorter values would blot out ordinary words. */
const SHORTEST = 6;
const MARK = '[secret]';

/**
 * Makes a function that blots out secret values in a serialised log line, as they are and as JSON writes them. Values
 * shorter than 6 characters are left alone. Returns the line itself when there is nothing to hide.
 */
export function createScrubber(values: Iterable<string>): (line: string) => string {
  const forms = new Set<string>();
  for (const value of values) {
    if (value.length < SHORTEST) continue;
    forms.add(value);
    forms.add(JSON.stringify(value).slice(1, -1));
    forms.add(encodeURIComponent(value));
  }
  if (forms.size === 0) return (line) => line;
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
  return (line) => line.replace(pattern, MARK);
}
