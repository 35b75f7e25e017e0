import type { AgentView } from '../../control/protocol.ts';
import { inputWords } from '../../control/words/input.ts';

/** The parts of a JSON Schema (draft 7) that a form can show. */
interface FieldSchema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  items?: FieldSchema;
  anyOf?: FieldSchema[];
  oneOf?: FieldSchema[];
  properties?: Record<string, FieldSchema>;
  required?: string[];
}

const MOST_FIELDS = 40;
const NAME = /^[\w-]+$/;

/** The fields for the input of a job, made of the schema of its agent: JSON as a text where the schema has no named parts. */
export function InputFields({ agent }: { agent: Pick<AgentView, 'name' | 'input'> }) {
  const schema = withoutNull(agent.input?.schema as FieldSchema | undefined);
  const fields = Object.entries(schema?.properties ?? {});
  const asForm = schema?.type === 'object' && fields.length <= MOST_FIELDS && fields.every(([key]) => NAME.test(key));
  if (agent.input && schema?.type === 'object' && fields.length === 0) return <p class="dim">It takes no input.</p>;
  if (!asForm || fields.length === 0) return <JsonField id="input" name="input" hint={inputWords(agent)} />;
  return (
    <fieldset>
      <legend>Input</legend>
      {fields.map(([key, field]) => (
        <Field key={key} name={key} schema={field} isRequired={schema.required?.includes(key) ?? false} />
      ))}
    </fieldset>
  );
}

/** The schema of what is given, where nothing may be given too: an empty form gives nothing. */
function withoutNull(schema: FieldSchema | undefined): FieldSchema | undefined {
  const choices = (schema?.anyOf ?? schema?.oneOf)?.filter(({ type }) => type !== 'null');
  return choices?.length === 1 ? choices[0] : schema;
}

interface FieldProps {
  name: string;
  schema: FieldSchema;
  isRequired: boolean;
}

function Field({ name, schema, isRequired }: FieldProps) {
  const id = `input-${name}`;
  return (
    <p class="field">
      <label for={id}>
        {name}
        {isRequired && <span class="dim"> (needed)</span>}
      </label>
      <Control id={id} name={`input.${name}`} schema={schema} isRequired={isRequired && schema.default === undefined} />
      {schema.description && <small class="said">{schema.description.slice(0, 300)}</small>}
    </p>
  );
}

function Control(props: FieldProps & { id: string }) {
  const { id, name, schema, isRequired } = props;
  const standard = schema.default === undefined ? undefined : wordOf(schema.default);
  const same = { id, required: isRequired };
  if (schema.enum?.every((one) => typeof one === 'string'))
    return <Choice {...{ id, name, isRequired, standard }} words={schema.enum as string[]} />;
  if (schema.type === 'boolean')
    return <Choice {...{ id, isRequired, standard }} name={`${name}~boolean`} words={['true', 'false']} />;
  if (schema.type === 'number' || schema.type === 'integer') return <NumberInput {...props} />;
  if (schema.type === 'string')
    return (
      <input
        {...same}
        name={name}
        type="text"
        minlength={schema.minLength}
        maxlength={schema.maxLength}
        value={standard}
      />
    );
  if (schema.type === 'array' && schema.items?.type === 'string')
    return <input {...same} name={`${name}~list`} type="text" placeholder="one, two" value={standard} />;
  return (
    <textarea {...same} name={`${name}~json`} rows={3} placeholder="JSON">
      {schema.default === undefined ? '' : JSON.stringify(schema.default)}
    </textarea>
  );
}

function NumberInput({ id, name, schema, isRequired }: FieldProps & { id: string }) {
  return (
    <input
      id={id}
      name={`${name}~number`}
      type="number"
      step={schema.type === 'integer' ? '1' : 'any'}
      min={schema.minimum}
      max={schema.maximum}
      value={schema.default === undefined ? undefined : String(schema.default)}
      required={isRequired}
    />
  );
}

function Choice({
  id,
  name,
  words,
  standard,
  isRequired,
}: Omit<FieldProps, 'schema'> & { id: string; words: readonly string[]; standard: string | undefined }) {
  return (
    <select id={id} name={name} required={isRequired}>
      <option value="">{isRequired ? 'choose' : 'left out'}</option>
      {words.map((word) => (
        <option value={word} selected={word === standard}>
          {word}
        </option>
      ))}
    </select>
  );
}

function wordOf(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** A field for any JSON, with what it may be. */
function JsonField({ id, name, hint }: { id: string; name: string; hint: string }) {
  return (
    <p class="field">
      <label for={id}>Input, as JSON</label>
      <textarea id={id} name={name} rows={3} placeholder="nothing" spellcheck={false} />
      <small class="said">{hint.slice(0, 400)}</small>
    </p>
  );
}
