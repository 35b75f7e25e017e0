/** Lengths of time in ms, and sizes in bytes. */
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
export const MB = 1_024 ** 2;
export const GB = 1_024 ** 3;
