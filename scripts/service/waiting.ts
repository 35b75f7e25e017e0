let factor = 1;

/** A slow machine (an emulated one, a busy one) gets so many times the time. */
export function bePatient(times: number): void {
  factor = times;
}

/** Looks again and again until there is something; resolves with it. Throws when there is nothing within `ms`. */
export async function until<T>(
  what: string,
  ms: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() - begun > ms * factor) throw new Error(`${what}: not within ${seconds(ms * factor)}`);
    await pause(100);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** "1.4 s". */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
