const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** The words of a piece of HTML, to compare them with a text; its markup is gone, not judged. */
export function textOfHtml(html: string): string {
  const plain = html.replace(/<(?:br\s*\/?|\/p)>/gi, '\n').replace(/<[^>]*>/g, '');
  return unescapeHtml(plain);
}

/** `&amp;` and its like as the signs that they stand for. */
export function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, number, hex, name) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
    const code = number === undefined ? Number.parseInt(hex, 16) : Number(number);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
