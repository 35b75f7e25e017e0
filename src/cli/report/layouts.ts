import type { Paint } from '../text/paint.ts';
import { table } from '../text/table.ts';
import { wrap } from '../text/width.ts';
import type { ReportSection, ReportText } from './sections.ts';

type Table = NonNullable<ReportSection['table']>;

/** A report on a terminal. */
export function terminalReport({ title, lead, sections }: ReportText, look: { paint: Paint; width: number }): string[] {
  const { paint, width } = look;
  return [
    paint('bold', title),
    ...wrap(lead, width),
    ...sections.flatMap((section) => ['', paint('bold', section.title), ...terminalPart(section, look)]),
  ];
}

function terminalPart({ items, table: rows, empty }: ReportSection, look: { paint: Paint; width: number }): string[] {
  if (isEmpty({ items, table: rows })) return [`  ${empty}`];
  const { paint, width } = look;
  const listed = items.flatMap(({ text, next }) => [
    ...wrap(text, width - 2).map((line) => `  ${line}`),
    ...(next ? [`    ${paint('cyan', '→')} ${next}`] : []),
  ]);
  if (!rows) return listed;
  const columns = rows.heads.map((head, at) => ({
    title: nameOf(head),
    right: isRight(head),
    ...(isRight(head) ? { drop: at } : { atLeast: 10 }),
  }));
  return [...listed, ...table(columns, rows.rows, { paint, width: width - 2 }).map((line) => `  ${line}`)];
}

/** A report in Markdown. */
export function markdownReport({ title, lead, sections }: ReportText): string[] {
  const parts = sections.flatMap((section) => {
    const { items, table: rows, empty } = section;
    if (isEmpty(section)) return ['', `## ${section.title}`, '', `${empty}`];
    const listed = items.map(({ text, next }) => `- ${escapeMarkdown(text)}${next ? ` → \`${next}\`` : ''}`);
    return ['', `## ${section.title}`, '', ...listed, ...(rows ? markdownTable(rows) : [])];
  });
  return [`# ${title}`, '', escapeMarkdown(lead), ...parts];
}

function markdownTable({ heads, rows }: Table): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const named = heads.map((head) => nameOf(head).toLowerCase());
  return [
    line(named),
    line(heads.map((head) => (isRight(head) ? '---:' : '---'))),
    ...rows.map((cells) => line(cells.map(escapeMarkdown))),
  ];
}

/** A report as one HTML file that needs nothing else. */
export function htmlReport({ title, lead, sections }: ReportText): string[] {
  const parts = sections.map((section) => {
    const { items, table: rows, empty = '' } = section;
    if (isEmpty(section)) return `<section><h2>${html(section.title)}</h2><p>${html(empty)}</p></section>`;
    const listed = items.map(({ text, next }) => `<li>${html(text)}${next ? ` <code>${html(next)}</code>` : ''}</li>`);
    const list = listed.length > 0 ? `<ul>${listed.join('')}</ul>` : '';
    return `<section><h2>${html(section.title)}</h2>${list}${rows ? htmlTable(rows) : ''}</section>`;
  });
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${html(title)}</title><style>${STYLE}</style></head>`,
    `<body><main><h1>${html(title)}</h1><p class="lead">${html(lead)}</p>`,
    ...parts,
    '</main></body></html>',
  ];
}

function htmlTable({ heads, rows }: Table): string {
  const cell = (tag: string, text: string, at: number) =>
    `<${tag}${isRight(heads[at]!) ? ' class="right"' : ''}>${html(text)}</${tag}>`;
  const head = heads.map((one, at) => cell('th', nameOf(one).toLowerCase(), at)).join('');
  const body = rows.map((cells) => `<tr>${cells.map((text, at) => cell('td', text, at)).join('')}</tr>`).join('\n');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

const STYLE = `:root{color-scheme:light dark}body{margin:0;font:16px/1.5 system-ui,sans-serif}main{max-width:56rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0}.lead{font-size:1.15rem}section{margin:1.5rem 0}h2{font-size:1.05rem;margin:0 0 .4rem}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.3rem .9rem .3rem 0;border-bottom:1px solid #8884}
.right{text-align:right}th{font-weight:500}li{overflow-wrap:anywhere}`;

function isEmpty({ items, table: rows }: Pick<ReportSection, 'items' | 'table'>): boolean {
  return items.length === 0 && (rows?.rows.length ?? 0) === 0;
}

/** A head that ends in `:` is one of numbers, which stand to the right. */
function isRight(head: string): boolean {
  return head.endsWith(':');
}

function nameOf(head: string): string {
  return head.replace(/:$/, '');
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|~#]/g, '\\$&');
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function html(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}
