/** A length of time as people write it: `250ms`, `10s`, `15m`, `6h`, `2d`; a bare number is not accepted. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** A size as people write it: `64MB`, `512KB`, `1.5GB` (powers of 1024). */
export type Size = `${number}${'B' | 'KB' | 'MB' | 'GB'}`;
