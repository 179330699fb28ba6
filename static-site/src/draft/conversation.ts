/**
 * The conversation about a draft. A message that is being sent is kept in the
 * browser with its key until the server has it, so that sending it again never
 * makes two of it. An answer whose stream breaks is followed in the history,
 * where the server goes on keeping it.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { owned } from "../keep/kept";
import { isUnanswered } from "../rules/endings";
import { type Block, proposals } from "../rules/extract";
import { converse, getMessages, type Message, newKey, Refused, stopAnswer } from "../server";

/** A message on its way. */
export interface Outgoing {
  text: string;
  key: string;
  /** True when it failed and waits for the person. */
  failed: boolean;
}

/** A prompt that the assistant proposes. */
export interface Proposal {
  message: string;
  at: string;
  blocks: Block[];
}

const FOLLOW_EVERY_MS = 1_500;
/** An answer takes four minutes at the most; after that nobody writes it. */
const FOLLOW_TIMES = 160;
/** A message without an answer that is younger than this is taken to be waiting for its first one. */
const FRESH_MS = 5 * 60_000;

export class Conversation {
  readonly id: string;
  readonly messages: Signal<Message[]> = signal([]);
  readonly loaded: Signal<boolean> = signal(false);
  /** Where the earlier messages begin. */
  readonly earlier: Signal<string | null> = signal(null);
  readonly outgoing: Signal<Outgoing | null>;
  /** The answer that is being written; empty before its first word. */
  readonly answer: Signal<string | null> = signal(null);
  /** What the model thinks before it answers. */
  readonly thinking: Signal<string> = signal("");
  readonly isStopping: Signal<boolean> = signal(false);
  /** The stream broke; the answer is followed in the history. */
  readonly isFollowing: Signal<boolean> = signal(false);
  readonly error: Signal<unknown> = signal(undefined);
  readonly loadError: Signal<unknown> = signal(undefined);
  #abort = new AbortController();
  #key: string;
  /** The server says that an answer is being written. */
  #isAnswering = false;

  constructor(id: string) {
    this.id = id;
    this.#key = owned(`sending:${id}`);
    this.outgoing = signal(this.#left());
  }

  /** Whether something is being answered. */
  readonly isBusy: ReadonlySignal<boolean> = computed(
    () => this.answer.value !== null || this.isFollowing.value,
  );

  /** Whether the newest message waits for an answer. */
  readonly isPending: ReadonlySignal<boolean> = computed(() => {
    const last = this.messages.value.at(-1);
    return last !== undefined && isUnanswered(last);
  });

  /** The newest prompt that was proposed. */
  readonly proposal: ReadonlySignal<Proposal | null> = computed(() => {
    for (const message of this.messages.value.toReversed()) {
      if (message.role !== "assistant") continue;
      const blocks = proposals(message.content, !message.truncated);
      if (blocks.length > 0) return { message: message.id, at: message.created_at, blocks };
    }
    return null;
  });

  /** Shows the newest messages, and goes on with an answer that was left in the middle. */
  async open(): Promise<void> {
    if (!(await this.#load())) return;
    this.#recognise();
    const last = this.messages.value.at(-1);
    if (!last || this.outgoing.value) return;
    const isFresh = Date.now() - Date.parse(last.created_at) < FRESH_MS;
    if (this.#isAnswering) await this.#follow();
    // One whose answer failed says why, and waits for the person.
    else if (isFresh && last.role === "user" && !last.ended) await this.ask();
  }

  /** A message whose sending was cut off may have arrived all the same. */
  #recognise(): void {
    const text = this.outgoing.value?.text;
    const recent = this.messages.value.slice(-4);
    if (recent.some((message) => message.role === "user" && message.content === text)) this.#set(null);
  }

  async #load(): Promise<boolean> {
    try {
      const page = await getMessages(this.id);
      const first = page.messages[0]?.id;
      const known = this.messages.value;
      const before = known.findIndex((message) => message.id === first);
      this.#isAnswering = page.is_answering;
      batch(() => {
        this.messages.value = before > 0 ? [...known.slice(0, before), ...page.messages] : page.messages;
        if (before <= 0) this.earlier.value = page.next_cursor ?? null;
        this.loaded.value = true;
        this.loadError.value = undefined;
      });
      return true;
    } catch (error) {
      this.loadError.value = error;
      return false;
    }
  }

  async loadEarlier(): Promise<void> {
    const cursor = this.earlier.value;
    if (cursor === null) return;
    try {
      const page = await getMessages(this.id, cursor);
      batch(() => {
        this.messages.value = [...page.messages, ...this.messages.value];
        this.earlier.value = page.next_cursor ?? null;
      });
    } catch (error) {
      this.loadError.value = error;
    }
  }

  /** Sends a message and reads the answer to its end. */
  async send(text: string, model?: string): Promise<void> {
    if (this.isBusy.value) return;
    this.#set({ text, key: newKey(), failed: false });
    await this.#exchange(model);
  }

  /** Sends the message again that didn't get through. */
  async resend(model?: string): Promise<void> {
    const outgoing = this.outgoing.value;
    if (!outgoing || this.isBusy.value) return;
    this.#set({ ...outgoing, failed: false });
    await this.#exchange(model);
  }

  /** Takes the message back that didn't get through. */
  takeBack(): string {
    const text = this.outgoing.value?.text ?? "";
    this.#set(null);
    this.error.value = undefined;
    return text;
  }

  /** Asks for the answer to the newest message. */
  async ask(model?: string): Promise<void> {
    if (!this.isBusy.value) await this.#exchange(model);
  }

  async #exchange(model: string | undefined): Promise<void> {
    const outgoing = this.outgoing.value;
    const abort = new AbortController();
    this.#abort = abort;
    batch(() => {
      this.answer.value = "";
      this.thinking.value = "";
      this.error.value = undefined;
    });
    let accepted = false;
    let failure: unknown;
    try {
      await converse(
        this.id,
        { ...(outgoing ? { text: outgoing.text } : {}), model },
        outgoing?.key ?? newKey(),
        {
          accepted: () => {
            accepted = true;
            if (outgoing) this.#sent(outgoing);
          },
          text: (text) => {
            this.answer.value = (this.answer.value ?? "") + text;
          },
          thinking: (text) => {
            this.thinking.value += text;
          },
          allThinking: () => {
            batch(() => {
              this.thinking.value += this.answer.value ?? "";
              this.answer.value = "";
            });
          },
        },
        abort.signal,
      );
    } catch (error) {
      failure = error;
    }
    if (abort.signal.aborted) return;
    await this.#end(outgoing, accepted, failure);
  }

  async #end(outgoing: Outgoing | null, accepted: boolean, failure: unknown): Promise<void> {
    const isWritten = failure instanceof Refused && failure.status === 409;
    const isCut = failure !== undefined && accepted && !(failure instanceof Refused);
    if (outgoing && !accepted) this.#set({ ...outgoing, failed: true });
    if (isCut || (isWritten && !outgoing)) {
      await this.#follow();
      return;
    }
    const isThere = await this.#load();
    // What the message says of its end isn't said twice.
    const isTold = isThere && accepted && this.messages.value.at(-1)?.problem;
    batch(() => {
      this.answer.value = null;
      this.isStopping.value = false;
      this.error.value = isTold ? undefined : failure;
    });
  }

  /** Reads a growing answer out of the history for as long as somebody writes it. */
  async #follow(): Promise<void> {
    const abort = this.#abort;
    this.isFollowing.value = true;
    for (let look = 0; look < FOLLOW_TIMES && !abort.signal.aborted; look += 1) {
      // While the server can't be reached nothing is known, so nothing is given up.
      const isThere = await this.#load();
      if (isThere) this.answer.value = null;
      if (isThere && !this.#isAnswering) break;
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS));
    }
    batch(() => {
      this.isFollowing.value = false;
      this.answer.value = null;
      this.isStopping.value = false;
    });
  }

  /** Ends the answer that is being written; what there is of it is kept. */
  async stop(): Promise<void> {
    this.isStopping.value = true;
    try {
      await stopAnswer(this.id);
    } catch (error) {
      batch(() => {
        this.isStopping.value = false;
        this.error.value = error;
      });
    }
  }

  /** The view is left. The server finishes the answer and keeps it. */
  close(): void {
    this.#abort.abort();
  }

  #sent(outgoing: Outgoing): void {
    const message: Message = {
      id: outgoing.key,
      role: "user",
      content: outgoing.text,
      created_at: new Date().toISOString(),
      truncated: false,
    };
    batch(() => {
      this.messages.value = [...this.messages.value, message];
      this.#set(null);
    });
  }

  #set(outgoing: Outgoing | null): void {
    this.outgoing.value = outgoing;
    try {
      if (outgoing) localStorage.setItem(this.#key, JSON.stringify(outgoing));
      else localStorage.removeItem(this.#key);
    } catch {
      // Storage is off or full: the message is still on screen.
    }
  }

  /** A message that was on its way when the page went away: whether it arrived is not known. */
  #left(): Outgoing | null {
    try {
      const text = localStorage.getItem(this.#key);
      return text === null ? null : { ...(JSON.parse(text) as Outgoing), failed: true };
    } catch {
      return null;
    }
  }
}
