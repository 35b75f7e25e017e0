/** Takes `bytes` more for a body that is being read; false: there is no room for them. */
type Room = (bytes: number) => boolean;

/** The body of a request; undefined: it is longer than `longest`, or there is no room for it. */
export async function readBody(
  request: Request,
  longest: number,
  room: Room = () => true,
): Promise<Buffer | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > longest) return undefined;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.byteLength;
    if (length > longest || !room(part.byteLength)) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
