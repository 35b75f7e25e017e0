/** How long a test waits before something counts as hanging, in ms. A busy machine is slow for seconds: it never makes a test red. */
export const HANGS_MS = 120_000;
