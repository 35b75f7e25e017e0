/** What of zod's inner view of a schema is looked at; the plugin brings its own copy in its bundle. */
interface Inner {
  _zod: { def: { type: string; coerce?: boolean; in?: Inner; checks?: { _zod: { def: { check: string } } }[] } };
}

/**
 * How `input` is written down: what it takes, never less. zod writes down a schema that changes a value before it looks at it
 * as if it did not; of those nothing is said, and the worker has the word.
 */
export const AS_GIVEN = {
  target: 'draft-7',
  io: 'input',
  unrepresentable: 'any',
  cycles: 'ref',
  override({ zodSchema, jsonSchema }: { zodSchema: Inner; jsonSchema: Record<string, unknown> }) {
    const { def } = zodSchema._zod;
    const isChanged =
      def.coerce === true ||
      def.type === 'catch' ||
      (def.type === 'pipe' && def.in?._zod.def.type === 'transform') ||
      def.checks?.some((check) => check._zod.def.check === 'overwrite');
    if (isChanged) for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  },
};
