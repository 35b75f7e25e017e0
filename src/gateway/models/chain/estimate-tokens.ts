import type { ChatMessage } from '../ports.ts';

/** How many signs of each kind a text has: tokenizers treat the kinds differently, and all of them about alike. */
interface SignCounts {
  /** Runs of ASCII letters, parted at capitals, and the letters in them. */
  words: number;
  letters: number;
  /** Runs of digits, and the digits in them. */
  numbers: number;
  digits: number;
  punctuation: number;
  /** Runs of line ends and tabs. */
  gaps: number;
  /** Spaces that follow a space. */
  indents: number;
  /** Letters with accents, Cyrillic, scripts from Greek to Thai, Chinese to Korean, and all others. */
  accented: number;
  cyrillic: number;
  script: number;
  ideographs: number;
  rare: number;
}

type Kind = 'small' | 'capital' | 'digit' | 'space' | 'other';
type Weights = Readonly<SignCounts>;

/**
 * Measured with the tokenizers of gpt-oss (o200k), Llama 3 and Mistral 7B over 29 texts: prose of 14 languages, code, JSON,
 * logs, stack traces, CSV, digits, UUIDs, base64, hexadecimal digits and emoji. The counted tokens were, of `MOST`, 0.29 to
 * 0.90 (gpt-oss), 0.37 to 1.13 (Llama 3) and 0.45 to 1.25 (Mistral), and 1.20 to 1.36 for base64; of `LEAST` 0.96 and more.
 */
const MOST: Weights = {
  ...{ words: 0.5, letters: 0.26, numbers: 0.4, digits: 0.9, punctuation: 0.95, gaps: 0.95, indents: 0.08 },
  ...{ accented: 1.3, cyrillic: 0.46, script: 1.2, ideographs: 1.25, rare: 2.7 },
};
const LEAST: Weights = {
  ...{ words: 0.45, letters: 0.1, numbers: 0.3, digits: 0.2, punctuation: 0.3, gaps: 0, indents: 0 },
  ...{ accented: 0.25, cyrillic: 0.2, script: 0.25, ideographs: 0.55, rare: 0.5 },
};

/** The tokens that a chat template puts around a message, and around a call. */
const PER_MESSAGE = 6;
const PER_CALL = 12;
/** A picture in a message is no text: as many tokens as large ones cost. */
const PER_PICTURE = 1_500;

/** The most tokens that a prompt is likely to have: for reservations and for the context of Ollama. */
export function estimateTokens(messages: readonly ChatMessage[], tools: readonly unknown[] = []): number {
  const { signs, pictures } = signsOfCall(messages, tools);
  return Math.ceil(weigh(signs, MOST) + PER_MESSAGE * messages.length + PER_CALL + PER_PICTURE * pictures);
}

/** The least tokens that a prompt can have: a provider that counted far fewer has not read all of it. */
export function leastTokens(messages: readonly ChatMessage[], tools: readonly unknown[] = []): number {
  return Math.floor(weigh(signsOfCall(messages, tools).signs, LEAST));
}

/** The most tokens of texts for embeddings. */
export function estimateTextTokens(text: string): number {
  return Math.ceil(weigh(countSigns(text, noSigns()), MOST));
}

/** The least tokens of a text. */
export function leastTextTokens(text: string): number {
  return Math.floor(weigh(countSigns(text, noSigns()), LEAST));
}

function signsOfCall(messages: readonly ChatMessage[], tools: readonly unknown[]) {
  const signs = noSigns();
  let pictures = 0;
  for (const { content, tool_calls: calls } of messages) {
    if (typeof content === 'string') countSigns(content, signs);
    else if (Array.isArray(content))
      for (const part of content as { type?: string; text?: string }[])
        if (typeof part?.text === 'string') countSigns(part.text, signs);
        else pictures++;
    if (calls !== undefined) countSigns(JSON.stringify(calls), signs);
  }
  if (tools.length > 0) countSigns(JSON.stringify(tools), signs);
  return { signs, pictures };
}

function weigh(signs: SignCounts, weights: Weights): number {
  let sum = 0;
  for (const kind in weights) sum += signs[kind as keyof SignCounts] * weights[kind as keyof SignCounts];
  return sum;
}

function noSigns(): SignCounts {
  return {
    ...{ words: 0, letters: 0, numbers: 0, digits: 0, punctuation: 0, gaps: 0, indents: 0 },
    ...{ accented: 0, cyrillic: 0, script: 0, ideographs: 0, rare: 0 },
  };
}

function countSigns(text: string, signs: SignCounts): SignCounts {
  let before: Kind = 'other';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) {
      countForeign(code, signs);
      before = 'other';
    } else before = countAscii(code, before, signs);
  }
  return signs;
}

function countAscii(code: number, before: Kind, signs: SignCounts): Kind {
  if (code >= 97 && code <= 122) {
    signs.letters++;
    if (before !== 'small' && before !== 'capital') signs.words++;
    return 'small';
  }
  if (code >= 65 && code <= 90) {
    signs.letters++;
    if (before !== 'capital') signs.words++;
    return 'capital';
  }
  if (code >= 48 && code <= 57) {
    signs.digits++;
    if (before !== 'digit') signs.numbers++;
    return 'digit';
  }
  if (code > 32) {
    signs.punctuation++;
    return 'other';
  }
  if (before === 'space') signs.indents++;
  else if (code < 32) signs.gaps++;
  return 'space';
}

function countForeign(code: number, signs: SignCounts) {
  if (code < 0x370 || (code >= 0x1e00 && code < 0x1f00)) signs.accented++;
  else if (code >= 0x400 && code < 0x530) signs.cyrillic++;
  else if (code < 0x0e80) signs.script++;
  else if (code >= 0x3000 && code < 0xd800) signs.ideographs++;
  else if (code >= 0x2000 && code < 0x2070) signs.accented++;
  else signs.rare++;
}
