/** Gathers what is said within one turn of the loop and sends it as one array. */
interface Outbox<Message> {
  put(message: Message): void;
  /** Sends what is gathered now. */
  flush(): void;
}

/** `send` is called with at least one message, after the code that put them has run to its end. */
export function createOutbox<Message>(send: (messages: Message[]) => void): Outbox<Message> {
  let messages: Message[] = [];

  function flush() {
    if (messages.length === 0) return;
    const batch = messages;
    messages = [];
    send(batch);
  }

  return {
    put(message) {
      if (messages.push(message) === 1) process.nextTick(flush);
    },
    flush,
  };
}
