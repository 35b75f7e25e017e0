/** Lines of one form that are written at once, and then so many a second. */
const AT_ONCE = 200;
const A_SECOND = 20;
/** Forms that are remembered. */
const MOST_FORMS = 500;
/** Characters of a message that make its form. */
const LOOKED_AT = 200;

/** Lines of one form that were left out, and the last of them. */
interface LeftOut<Line> {
  count: number;
  last: Line;
}

/** Lines of one form, told apart by level: the first ones are written, and of the rest a number. */
interface Repeats<Line> {
  /** Whether the line is to be written. `now`: ms of a clock that never goes back. */
  take(line: Line, now: number): boolean;
  /** The lines that were left out since the last call, by form; each is told once. */
  leftOut(): LeftOut<Line>[];
}

interface Form<Line> {
  tokens: number;
  filledAt: number;
  leftOut: LeftOut<Line> | undefined;
}

/** Sees which lines are repeats: 200 of one form at once and 20 a second are not. */
export function createRepeats<Line extends { level: string; message: string }>(): Repeats<Line> {
  const forms = new Map<string, Form<Line>>();

  function formOf(line: Line, now: number): Form<Line> {
    const key = `${line.level} ${messageForm(line.message)}`;
    const known = forms.get(key);
    if (known) return known;
    const form = { tokens: AT_ONCE, filledAt: now, leftOut: undefined };
    if (forms.size < MOST_FORMS || forgetOne()) forms.set(key, form);
    return form;
  }

  /** The oldest of those that have nothing left to tell. False where all have: then the next form is not remembered. */
  function forgetOne(): boolean {
    for (const [key, { leftOut }] of forms) if (!leftOut) return forms.delete(key);
    return false;
  }

  return {
    take(line, now) {
      const form = formOf(line, now);
      form.tokens = Math.min(AT_ONCE, form.tokens + ((now - form.filledAt) * A_SECOND) / 1_000);
      form.filledAt = now;
      if (form.tokens >= 1) {
        form.tokens -= 1;
        return true;
      }
      form.leftOut = {
        count: (form.leftOut?.count ?? 0) + 1,
        last: { ...line, message: line.message.slice(0, LOOKED_AT) },
      };
      return false;
    },
    leftOut() {
      const all: LeftOut<Line>[] = [];
      for (const form of forms.values()) {
        if (!form.leftOut) continue;
        all.push(form.leftOut);
        form.leftOut = undefined;
      }
      return all;
    },
  };
}

/** The message without what differs between lines of one form: each word that holds a digit is `#`. */
function messageForm(message: string): string {
  return message.slice(0, LOOKED_AT).replace(/\S*\d\S*/g, '#');
}

/** `12,411`: a count for people, without Intl, which takes a thread some megabytes. */
export function groupedCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
