import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** A server that speaks as much S3 as a bucket of backups needs, with everything in memory. It believes every signature. */
export interface S3Stub {
  endpoint: string;
  objects: Map<string, Buffer>;
  /** Uploads in parts that were begun and neither ended nor given up. */
  uploads: Map<string, { key: string; parts: Map<number, Buffer> }>;
  /** Called before each request; a status that it returns is the answer. */
  before: (method: string, key: string) => number | undefined;
}

const XML = { 'content-type': 'application/xml' };
const etagOf = (data: Buffer) => `"${createHash('md5').update(data).digest('hex')}"`;

/** Starts the stub with one bucket; it ends with the test. */
export async function startS3Stub(bucket: string): Promise<S3Stub> {
  const objects = new Map<string, Buffer>();
  const uploads: S3Stub['uploads'] = new Map();
  const stub: S3Stub = { endpoint: '', objects, uploads, before: () => undefined };

  async function answer(
    request: IncomingMessage,
  ): Promise<{ status?: number; head?: Record<string, string>; body?: string | Buffer }> {
    const url = new URL(request.url!, 'http://stub');
    const [, name, ...rest] = url.pathname.split('/');
    const key = decodeURIComponent(rest.join('/'));
    const { searchParams: asked } = url;
    const method = request.method!;
    const refused = stub.before(method, key);
    if (refused !== undefined) return { status: refused };
    if (name !== bucket) return { status: 404, body: '<Error><Code>NoSuchBucket</Code></Error>' };
    if (asked.has('uploads') && method === 'GET') return { body: listed(asked.get('prefix') ?? '') };
    if (asked.has('uploads')) {
      const id = `u${uploads.size + 1}-${key.length}`;
      uploads.set(id, { key, parts: new Map() });
      return { body: `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>` };
    }
    const upload = uploads.get(asked.get('uploadId') ?? '');
    if (asked.has('uploadId') && !upload) return { status: 404, body: '<Error><Code>NoSuchUpload</Code></Error>' };
    if (upload && method === 'PUT') {
      const part = await buffer(request);
      upload.parts.set(Number(asked.get('partNumber')), part);
      return { head: { etag: etagOf(part) } };
    }
    if (upload && method === 'POST') {
      await text(request);
      const whole = Buffer.concat([...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part));
      objects.set(key, whole);
    }
    if (upload) {
      uploads.delete(asked.get('uploadId')!);
      return method === 'POST'
        ? { body: `<CompleteMultipartUploadResult><Key>${key}</Key><ETag>x-1</ETag></CompleteMultipartUploadResult>` }
        : { status: 204 };
    }
    if (asked.has('list-type')) return { body: contents(asked.get('prefix') ?? '') };
    if (method === 'PUT') {
      const data = await buffer(request);
      objects.set(key, data);
      return { head: { etag: etagOf(data) } };
    }
    if (method === 'DELETE') return { status: objects.delete(key) ? 204 : 404 };
    return read(key, request.headers.range);
  }

  function read(key: string, range: string | undefined) {
    const data = objects.get(key);
    if (!data) return { status: 404 };
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    if (from === undefined) return { head: { 'content-length': String(data.length) }, body: data };
    return { status: 206, body: data.subarray(Number(from), to ? Number(to) + 1 : undefined) };
  }

  function listed(prefix: string): string {
    const rows = [...uploads].filter(([, { key }]) => key.startsWith(prefix));
    const xml = rows.map(([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`);
    return `<ListMultipartUploadsResult>${xml.join('')}</ListMultipartUploadsResult>`;
  }

  function contents(prefix: string): string {
    const rows = [...objects].filter(([key]) => key.startsWith(prefix));
    const xml = rows.map(
      ([key, data]) =>
        `<Contents><Key>${key}</Key><Size>${data.length}</Size><ETag>${etagOf(data)}</ETag>` +
        '<LastModified>2026-11-22T02:00:00.000Z</LastModified><StorageClass>STANDARD</StorageClass></Contents>',
    );
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${xml.join('')}</ListBucketResult>`;
  }

  const server = createServer((request, response) => {
    void answer(request).then(({ status = 200, head = XML, body = '' }) => {
      response.writeHead(status, head);
      response.end(request.method === 'HEAD' ? undefined : body);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  stub.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return stub;
}
