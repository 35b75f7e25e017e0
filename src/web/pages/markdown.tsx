import type { Child } from 'hono/jsx';

/** Characters of a text that are rendered; authors may write a megabyte. */
const LONGEST = 65_536;
const SAFE_LINK = /^(https?:\/\/|mailto:)[^\s<>"']+$/i;
const INLINE = /(`[^`\n]+`)|\*\*([^*\n]+)\*\*|(?<![\w*])[*_]([^*_\n]+)[*_](?![\w*])|\[([^\]\n]+)\]\(([^()\s]+)\)/g;

/**
 * Markdown that an author wrote: headings, lists, tables, quotes, code, emphasis and links to `http`, `https` and `mailto`. Everything
 * else, HTML and images among it, is shown as the text that it is.
 */
export function Markdown({ text }: { text: string }) {
  return <div class="markdown said">{blocksOf(text.slice(0, LONGEST).replace(/\r\n?/g, '\n').split('\n'))}</div>;
}

function blocksOf(lines: readonly string[]): Child[] {
  const blocks: Child[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const kind = KINDS.find(({ begins }) => begins.test(line));
    let end = at + 1;
    while (end < lines.length && kind?.goesOn(lines[end]!, lines.slice(at, end))) end++;
    if (kind) blocks.push(kind.render(lines.slice(at, end)));
    at = end;
  }
  return blocks;
}

interface Kind {
  begins: RegExp;
  /** Whether a line belongs to the block that the lines before began. */
  goesOn(line: string, before: readonly string[]): boolean;
  render(lines: readonly string[]): Child;
}

const FENCE = /^\s*```/;
const KINDS: readonly Kind[] = [
  {
    begins: FENCE,
    goesOn: (_, before) => before.length < 2 || !FENCE.test(before.at(-1)!),
    render: (lines) => (
      <pre>{lines.slice(1, FENCE.test(lines.at(-1)!) && lines.length > 1 ? -1 : undefined).join('\n')}</pre>
    ),
  },
  // Headings of a summary stand below those of the page.
  { begins: /^#{1,6} /, goesOn: () => false, render: ([line]) => <h3>{inline(line!.replace(/^#+ /, ''))}</h3> },
  { begins: /^\s*([-*_])\s*(\1\s*){2,}$/, goesOn: () => false, render: () => <hr /> },
  {
    begins: /^\s*\|.*\|\s*$/,
    goesOn: (line) => /^\s*\|.*\|\s*$/.test(line),
    render: (lines) => <MarkdownTable lines={lines} />,
  },
  {
    begins: /^\s*[-*+] /,
    goesOn: (line) => /^\s*[-*+] |^\s{2,}\S/.test(line),
    render: (lines) => <ul>{itemsOf(lines, /^\s*[-*+] /)}</ul>,
  },
  {
    begins: /^\s*\d+[.)] /,
    goesOn: (line) => /^\s*\d+[.)] |^\s{2,}\S/.test(line),
    render: (lines) => <ol>{itemsOf(lines, /^\s*\d+[.)] /)}</ol>,
  },
  {
    begins: /^> ?/,
    goesOn: (line) => line.startsWith('>'),
    render: (lines) => <blockquote>{inline(lines.map((line) => line.replace(/^> ?/, '')).join(' '))}</blockquote>,
  },
  {
    begins: /\S/,
    goesOn: (line) => /\S/.test(line) && !/^(#{1,6} |\s*```|\s*[-*+] |\s*\d+[.)] |>|\s*\|.*\|\s*$)/.test(line),
    render: (lines) => <p>{inline(lines.join(' '))}</p>,
  },
];

function itemsOf(lines: readonly string[], mark: RegExp): Child[] {
  const items: string[] = [];
  for (const line of lines) {
    if (mark.test(line)) items.push(line.replace(mark, ''));
    else items.push(`${items.pop() ?? ''} ${line.trim()}`);
  }
  return items.map((item) => <li>{inline(item)}</li>);
}

function MarkdownTable({ lines }: { lines: readonly string[] }) {
  const rows = lines.map((line) => line.trim().slice(1, -1).split('|'));
  const [head, ...rest] = rows;
  const body = rest.filter((cells) => !cells.every((cell) => /^\s*:?-+:?\s*$/.test(cell)));
  return (
    <table>
      <thead>
        <tr>
          {head!.map((cell) => (
            <th scope="col">{inline(cell.trim())}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {body.map((cells) => (
          <tr>
            {cells.map((cell) => (
              <td>{inline(cell.trim())}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A line with its code, emphasis and links; every other sign is text. */
function inline(text: string): Child[] {
  const parts: Child[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, soft, words, target] = match;
    parts.push(text.slice(at, match.index));
    at = match.index + whole.length;
    if (code) parts.push(<code>{code.slice(1, -1)}</code>);
    else if (strong) parts.push(<strong>{strong}</strong>);
    else if (soft) parts.push(<em>{soft}</em>);
    else parts.push(SAFE_LINK.test(target!) ? <OutsideLink target={target!} words={words!} /> : whole);
  }
  return [...parts, text.slice(at)];
}

function OutsideLink({ target, words }: { target: string; words: string }) {
  return (
    <a href={target} rel="noopener noreferrer nofollow">
      {words}
    </a>
  );
}
