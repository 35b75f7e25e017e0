/** Resolves after so many milliseconds. */
export const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Asks every 10 ms until it holds; false when it did not within the time. */
export async function until(holds: () => boolean, withinMs: number): Promise<boolean> {
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; await delay(10)) {
    if (holds()) return true;
  }
  return holds();
}
