const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Record<string, number> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Milliseconds of `250ms`, `10s`, `1.5h`, `2d`; undefined for anything else, a bare number included. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim());
  return match ? Math.round(Number(match[1]) * MILLISECONDS[match[2]!]!) : undefined;
}

/** Bytes of `64MB`, `512KB`, `1.5GB` (powers of 1024); undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB)$/i.exec(text.trim());
  return match ? Math.round(Number(match[1]) * BYTES[match[2]!.toUpperCase()]!) : undefined;
}

/** `812ms`, `4.2s`, `3m 20s`, `18d 4h`: two units at most, for people. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)}s`;
  const steps: [string, number][] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ];
  const first = steps.findIndex(([, size]) => ms >= size);
  const [unit, size] = steps[first]!;
  const whole = Math.floor(ms / size);
  const next = steps[first + 1];
  const rest = next ? Math.floor((ms - whole * size) / next[1]) : 0;
  return rest > 0 && next ? `${whole}${unit} ${rest}${next[0]}` : `${whole}${unit}`;
}

/** `96 MB`, `1.4 GB`, for people. */
export function formatSize(bytes: number): string {
  if (bytes < BYTES.KB!) return `${bytes} B`;
  if (bytes < BYTES.MB!) return `${Math.round(bytes / BYTES.KB!)} KB`;
  if (bytes < BYTES.GB!) return `${Math.round(bytes / BYTES.MB!)} MB`;
  return `${(bytes / BYTES.GB!).toFixed(1)} GB`;
}
