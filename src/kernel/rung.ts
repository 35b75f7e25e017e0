/** A rung of the chain of models: a provider with an ordered preference list of models. The key of the provider is never in here. Times in ms. */
export interface Rung {
  name: string;
  /** The base address, as `https://api.groq.com/openai/v1`; of Ollama without a path. No slash at its end. */
  url: string;
  kind: 'openai' | 'ollama';
  models: readonly string[];
  embeddings: readonly string[];
  /** The longest wait for the first token. */
  timeoutMs: number;
  /** The longest wait between two tokens. */
  idleMs: number;
  /** Calls of the rung cost no money. */
  free: boolean;
  /** Tokens of its context; null: as the provider says. */
  context: number | null;
}
