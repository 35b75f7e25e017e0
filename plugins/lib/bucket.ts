import { open, stat } from 'node:fs/promises';
import { z } from 'daruma';

/** A file that lies in a bucket. */
export interface StoredFile {
  name: string;
  bytes: number;
}

/** A folder of a bucket that speaks S3. */
export interface Bucket {
  list(): Promise<StoredFile[]>;
  /** Puts a file there in place of one of the same name; what is there is whole or missing, whenever it is cut off. `sent`: called with the bytes so far. */
  put(file: string, name: string, sent: (bytes: number) => void): Promise<void>;
  /** Fetches a file into a new one. `got`: called with the bytes so far. */
  get(name: string, to: string, got: (bytes: number) => void): Promise<void>;
  remove(name: string): Promise<void>;
}

interface BucketTerms {
  /** `https://s3.eu-central-1.amazonaws.com`. */
  endpoint: string;
  region: string;
  bucket: string;
  /** `ops/`, or empty for the top. */
  prefix: string;
  keys: { id: string; secret: string };
  fetch: typeof fetch;
}

/** A part of an upload: S3 takes none below 5 MB but the last, and 10,000 at most. */
const PART = 8 * 1024 ** 2;
const NOT_FOUND = 404;

/** Opens a folder of a bucket by `s3mini`, which is loaded here: a host without such an agent does not hold it. */
export async function openBucket({ endpoint, region, bucket, prefix, keys, fetch }: BucketTerms): Promise<Bucket> {
  const { S3mini } = await import('s3mini');
  const s3 = new S3mini({
    endpoint: `${endpoint.replace(/\/$/, '')}/${bucket}`,
    region,
    accessKeyId: keys.id,
    secretAccessKey: keys.secret,
    fetch,
  });
  const keyOf = (name: string) => `${prefix}${name}`;

  /** What an attempt that was killed has begun takes room that no listing shows. A server that lists no uploads keeps it. */
  async function abandonOld(key: string): Promise<void> {
    const found: unknown = await s3.listMultipartUploads('/', key).catch(() => undefined);
    for (const upload of uploadsOf(found, key)) await s3.abortMultipartUpload(key, upload);
  }

  return {
    async list() {
      const found = await s3.listObjects('/', prefix);
      if (found === null)
        throw new Error(`there is no bucket ${bucket} at ${endpoint}: make it, and let these keys use it`);
      return found.flatMap(({ Key, Size }) => {
        const name = Key.startsWith(prefix) ? Key.slice(prefix.length) : '';
        return name === '' || name.includes('/') ? [] : [{ name, bytes: Number(Size) }];
      });
    },
    async put(file, name, sent) {
      const key = keyOf(name);
      const { size } = await stat(file);
      const handle = await open(file, 'r');
      try {
        if (size <= PART) {
          await s3.putObject(key, await handle.readFile(), 'application/octet-stream');
          return sent(size);
        }
        await abandonOld(key);
        const upload = await s3.getMultipartUploadId(key, 'application/octet-stream');
        try {
          const parts = [];
          for (let at = 0; at < size; at += PART) {
            const part = Buffer.alloc(Math.min(PART, size - at));
            await handle.read(part, 0, part.length, at);
            parts.push(await s3.uploadPart(key, upload, part, parts.length + 1));
            sent(at + part.length);
          }
          await s3.completeMultipartUpload(key, upload, parts);
        } catch (error) {
          await s3.abortMultipartUpload(key, upload).catch(() => {});
          throw error;
        }
      } finally {
        await handle.close();
      }
    },
    async get(name, to, got) {
      const key = keyOf(name);
      const bytes = await s3.getContentLength(key);
      const handle = await open(to, 'wx', 0o600);
      try {
        for (let at = 0; at < bytes; at += PART) {
          const answer = await s3.getObjectRaw(key, false, at, Math.min(bytes, at + PART));
          if (answer.status === NOT_FOUND) throw new Error(`${name} is not in the bucket any more`);
          await handle.writeFile(Buffer.from(await answer.arrayBuffer()));
          got(Math.min(bytes, at + PART));
        }
      } finally {
        await handle.close();
      }
    },
    async remove(name) {
      await s3.deleteObject(keyOf(name));
    },
  };
}

const uploads = z.object({
  ListMultipartUploadsResult: z.object({
    Upload: z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]),
  }),
});
const upload = z.object({ Key: z.string(), UploadId: z.string() });

/** The ids of uploads of a key in an answer of `s3mini`, which has one upload as an object and several as a list, whatever its types say. */
function uploadsOf(answer: unknown, key: string): string[] {
  const read = uploads.safeParse(answer);
  if (!read.success) return [];
  return read.data.ListMultipartUploadsResult.Upload.flatMap((one) => {
    const { data } = upload.safeParse(one);
    return data?.Key === key ? [data.UploadId] : [];
  });
}
