import { Fault } from '../../kernel/fault.ts';
import type { PluginDefinition } from '../../plugin/define.ts';

const MOST_REPORTED = 5;

/**
 * What the job was given, as the plugin's schema makes it. Nothing (null) is tried as undefined first, so that a default or
 * `.optional()` takes it. Rejects with `INPUT_INVALID`, which names each place that does not fit.
 */
export async function checkedInput(
  schema: NonNullable<PluginDefinition['input']>,
  text: string | null,
): Promise<unknown> {
  if (text === null) {
    const nothing = await schema.safeParseAsync(undefined);
    if (nothing.success) return nothing.data;
  }
  const parsed = await schema.safeParseAsync(text === null ? null : JSON.parse(text));
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const places = issues
    .slice(0, MOST_REPORTED)
    .map(({ path, message }) => `${['input', ...path.map(String)].join('.')}: ${message}`);
  const more = issues.length > MOST_REPORTED ? ` (and ${issues.length - MOST_REPORTED} more)` : '';
  throw new Fault({
    code: 'INPUT_INVALID',
    message: `what the job was given does not fit: ${places.join('; ')}${more}`,
    next: 'send what the plugin’s `input` says: daruma agents shows it',
  });
}
