/** The package ships no types; this is the part that is used. */
declare module 'pino-roll' {
  import type { SonicBoom, SonicBoomOpts } from 'sonic-boom';

  export default function roll(
    options: {
      file: string;
      /** `50k`, `50m`; a bare number is megabytes. */
      size?: string;
      frequency?: 'daily' | 'hourly';
      extension?: string;
      dateFormat?: 'yyyy-MM-dd';
      limit?: { count: number; removeOtherLogFiles?: boolean };
    } & SonicBoomOpts,
  ): Promise<SonicBoom & { fd: number; file: string }>;
}
