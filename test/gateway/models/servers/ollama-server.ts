import { type AskedChat, countTokens, type Said } from './answer.ts';
import { errorBody, faultNamed, type ModelFault } from './faults.ts';
import { type AskedCall, type ModelServer, type ServerOptions, startModelServer } from './model-server.ts';
import { pieces as openAiPieces, whole as openAiWhole, otherPaths, saidBy } from './openai-shape.ts';

/** Tokens of context that Ollama takes without `num_ctx`, and always on `/v1`. */
const DEFAULT_CONTEXT = 4_096;
/** The context of the models that the server lists. */
const MODEL_CONTEXT = 32_768;
const CREATED = '2026-11-27T00:00:00.000000Z';

/**
 * A server of Ollama's shape. Prompts that do not fit are cut without a word, oldest messages first, as the real one
 * does; the reported prompt tokens are those that are left.
 */
export function ollamaServer(options?: ServerOptions): Promise<ModelServer> {
  return startModelServer(
    {
      provider: 'ollama',
      base: '',
      models: ['gpt-oss:20b', 'gemma4:31b'],
      isChat: (path) => path === '/api/chat' || path === '/v1/chat/completions',
      refuse,
      said,
      whole: (chat, one, usage) => (isOpenAi(chat) ? openAiWhole(chat, one, usage) : last(chat, one, usage, true)),
      pieces: (chat, one, usage) => (isOpenAi(chat) ? openAiPieces(chat, one, usage) : pieces(chat, one, usage)),
      errorPiece: `${JSON.stringify({ error: 'an error was encountered while running the model' })}\n`,
      streamType: 'application/x-ndjson',
      headers: () => ({}),
      other,
    },
    options,
  );
}

/** Requests of `/v1` are marked on their way in. */
const ON_V1 = Symbol('asked on /v1');
const isOpenAi = (chat: AskedChat) => ON_V1 in chat;

function refuse(call: AskedCall, server: ModelServer): ModelFault | undefined {
  if (call.path.startsWith('/v1')) Object.assign(call.body!, { [ON_V1]: true, stream: call.body!.stream ?? false });
  if (!server.models.includes(call.body!.model)) return faultNamed('404 model', 'ollama', 0);
  if (call.body!.messages.some(({ content }) => Array.isArray(content)) && !isOpenAi(call.body!))
    return {
      status: 400,
      body: errorBody('ollama', 'json: cannot unmarshal array into Go struct field of type string'),
    };
  return undefined;
}

function said(call: AskedCall, server: ModelServer): Said {
  const answer = saidBy(call, server);
  const context = isOpenAi(call.body!) ? DEFAULT_CONTEXT : (call.body!.options?.num_ctx ?? DEFAULT_CONTEXT);
  return { ...answer, promptTokens: cutPrompt(call.body!, Math.min(context, MODEL_CONTEXT)) };
}

/** The tokens that are left of a prompt: system messages and the last stay, older ones go. */
function cutPrompt(chat: AskedChat, context: number): number {
  const sizes = chat.messages.map((message) => countTokens(JSON.stringify(message)));
  const tools = countTokens(JSON.stringify(chat.tools ?? ''));
  const isKept = (at: number) => chat.messages[at]!.role === 'system' || at === chat.messages.length - 1;
  let total = tools + sizes.reduce((sum, size) => sum + size, 0);
  sizes.forEach((size, at) => {
    if (total > context && !isKept(at)) total -= size;
  });
  return Math.min(total, context);
}

function last(chat: AskedChat, one: Said, usage: boolean, isWhole: boolean) {
  return {
    model: chat.model,
    created_at: CREATED,
    message: message(isWhole ? one : { ...one, text: '', reasoning: undefined, toolCalls: [] }),
    done_reason: one.finish === 'length' ? 'length' : 'stop',
    done: true,
    total_duration: 5_043_500_667,
    load_duration: 2_021_300,
    ...(usage ? { prompt_eval_count: one.promptTokens, eval_count: one.completionTokens } : {}),
  };
}

function message(one: Said) {
  return {
    role: 'assistant',
    content: one.text,
    ...(one.reasoning ? { thinking: one.reasoning } : {}),
    ...(one.toolCalls?.length
      ? { tool_calls: one.toolCalls.map(({ name, arguments: given }) => ({ function: { name, arguments: given } })) }
      : {}),
  };
}

function pieces(chat: AskedChat, one: Said, usage: boolean): string[] {
  const line = (part: Partial<Said>) =>
    `${JSON.stringify({ model: chat.model, created_at: CREATED, message: message({ ...one, text: '', reasoning: undefined, toolCalls: [], ...part }), done: false })}\n`;
  return [
    ...(one.reasoning ? [line({ reasoning: one.reasoning })] : []),
    ...(one.text.match(/\s*\S+/g) ?? []).map((text) => line({ text })),
    ...(one.toolCalls?.length ? [line({ toolCalls: one.toolCalls })] : []),
    `${JSON.stringify(last(chat, one, usage, false))}\n`,
  ];
}

function other(call: AskedCall, server: ModelServer): unknown {
  switch (call.path) {
    case '/api/tags':
      return {
        models: server.models.map((name) => ({ name, model: name, modified_at: CREATED, size: 13_780_173_839 })),
      };
    case '/api/show':
      return server.models.includes(call.body!.model)
        ? {
            model_info: { 'general.architecture': 'gptoss', 'gptoss.context_length': MODEL_CONTEXT },
            capabilities: ['completion', 'tools', 'thinking'],
          }
        : undefined;
    case '/api/embed': {
      const texts = [(call.body as unknown as { input: string | string[] }).input].flat();
      return {
        model: call.body!.model,
        embeddings: texts.map((text) => [text.length, 0.5, -0.5]),
        prompt_eval_count: countTokens(texts.join(' ')),
      };
    }
    case '/api/version':
      return { version: '0.40.12' };
    default:
      return otherPaths(call, server);
  }
}
