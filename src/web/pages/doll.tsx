/** How the fleet is, as the doll shows it: both eyes are painted on a clean day, one when something needs a person. */
interface DollMood {
  painted: 1 | 2;
  /** The meaning of the doll, in words for screen readers. */
  words: string;
}

/** The doll that gets up again: an ornament of the shell, drawn in the colours of the page. */
export function Doll({ painted, words }: DollMood) {
  return (
    <svg class="doll" viewBox="0 0 48 48" role="img" aria-label={words}>
      <path class="body" d="M24 2c12 0 20 9 20 22 0 14-8 22-20 22S4 38 4 24C4 11 12 2 24 2z" />
      <path class="face" d="M24 10c8 0 14 4 14 11 0 8-6 12-14 12s-14-4-14-12c0-7 6-11 14-11z" />
      <path class="line" d="M14 17q3-3 7-1M34 17q-3-3-7-1M20 28q4 3 8 0" />
      <circle class="eye" cx="18" cy="22" r="3.2" />
      <circle class="eye" cx="30" cy="22" r="3.2" />
      <circle class="iris" cx="18" cy="22" r="1.9" />
      {painted === 2 && <circle class="iris" cx="30" cy="22" r="1.9" />}
    </svg>
  );
}
