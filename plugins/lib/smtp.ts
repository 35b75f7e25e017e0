import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { GiveUp } from 'daruma';
import { Unclear } from './never-twice.ts';

/** A message in the form that goes over the wire. */
export interface Mail {
  from: string;
  to: string[];
  /** Headers and body. */
  content: Buffer;
}

export interface SmtpServer {
  /** `smtp://` (STARTTLS where the server offers it) or `smtps://` (TLS from the first byte). */
  url: string;
  /** Without a password nobody logs in. */
  login: { user: string; password: string } | null;
  /** true: without TLS nothing is sent. */
  requireTls: boolean;
  signal: AbortSignal;
}

const CONNECT_MS = 10_000;
const SILENCE_MS = 20_000;
/** The port that is meant when the URL names none. */
const PORTS: Record<string, number> = { 'smtp:': 587, 'smtps:': 465 };

/** A session that is logged in and waits for a message. */
export interface SmtpSession {
  /**
   * Hands the message over; resolves with the server's answer. Throws `Unclear` when the server fell silent on it, `GiveUp` when it
   * will never take it (5xx), else an Error.
   */
  send(mail: Mail): Promise<string>;
  close(): void;
}

type SmtpError = Error & { code?: string; responseCode?: number };

/** Connects and logs in. Nothing is sent before it resolves, so its errors leave nothing unclear. nodemailer is loaded here. */
export async function openSmtp({ url, login, requireTls, signal }: SmtpServer): Promise<SmtpSession> {
  const { default: SMTPConnection } = await import('nodemailer/lib/smtp-connection');
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'smtps:';
  // The socket is ours: nodemailer would look the name up by itself and ask for an address, which is in no list of rights.
  const socket = await connected({ host: hostname, port: Number(port) || PORTS[protocol]!, isTls });
  const connection = new SMTPConnection({
    host: hostname,
    connection: socket,
    secured: isTls,
    requireTLS: requireTls && !isTls,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
  });
  const stop = () => connection.close();
  signal.addEventListener('abort', stop, { once: true });
  let fail: (error: Error) => void = () => {};
  connection.on('error', (error) => fail(error));
  connection.once('end', () => fail(new Error('the connection has ended')));
  const step = <T>(does: (done: (error?: Error | null, value?: T) => void) => void) =>
    new Promise<T>((resolve, reject) => {
      fail = reject;
      does((error, value) => (error ? reject(error) : resolve(value as T)));
    });
  try {
    await step((done) => connection.connect(done));
    if (login)
      await step((done) => connection.login({ credentials: { user: login.user, pass: login.password } }, done));
  } catch (error) {
    connection.close();
    throw refused(error as SmtpError);
  }
  return {
    async send({ from, to, content }) {
      try {
        const answer = await step<{ response: string }>((done) =>
          connection.send({ from, to }, content, done as never),
        );
        return answer.response;
      } catch (error) {
        const { responseCode, message } = error as SmtpError;
        // An answer, even a refusal, says that the message was not taken.
        throw responseCode === undefined ? new Unclear(message) : refused(error as SmtpError);
      }
    },
    close() {
      signal.removeEventListener('abort', stop);
      connection.quit();
    },
  };
}

function connected({ host, port, isTls }: { host: string; port: number; isTls: boolean }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options = { host, port, timeout: CONNECT_MS, ...(isTls && { servername: host }) };
    const socket = isTls ? connectTls(options) : connectPlain(options);
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error(`${host}:${port} did not answer within ${CONNECT_MS} ms`)));
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      socket.removeAllListeners('timeout').removeListener('error', reject);
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

/** 5xx stays the same however often it is asked: a wrong password, an unknown address. */
function refused(error: SmtpError): Error {
  return (error.responseCode ?? 0) >= 500 ? new GiveUp(error.message) : error;
}
