/**
 * Sums of money are whole millionths of a dollar (micros): sums of them never drift, and are exact up to nine billion
 * dollars. People and plugins see dollars.
 */
const MICROS = 1_000_000;

/** The nearest micros of dollars. */
export function microsOf(dollars: number): number {
  return Math.round(dollars * MICROS);
}

export function dollarsOf(micros: number): number {
  return micros / MICROS;
}

/** `$5`, `$0.42`, `$0.000135`, for people: cents where there are any, else as many digits as it takes. */
export function formatMoney(micros: number): string {
  const dollars = dollarsOf(micros);
  if (Number.isInteger(dollars)) return `$${dollars}`;
  if (Math.abs(micros) >= MICROS / 10) return `$${dollars.toFixed(2)}`;
  return `$${Number(dollars.toPrecision(2)).toFixed(6).replace(/0+$/, '')}`;
}
