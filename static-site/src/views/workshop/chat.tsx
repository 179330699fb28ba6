/** The conversation: what was said, what is being said, and the field to say more. */
import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { ArrowDown, Copy, FileInput } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Conversation } from "../../draft/conversation";
import { type Kept, useKeptText } from "../../keep/kept";
import { copy } from "../../parts/copy";
import { Markdown } from "../../parts/markdown";
import { chosenModel } from "../../parts/models";
import { Failed, Notice, Working } from "../../parts/notice";
import { Thinking } from "../../parts/thinking";
import { unfinished } from "../../rules/endings";
import { exact, time } from "../../rules/when";
import { type Message, type Model, sentence } from "../../server";
import { Composer } from "./composer";

/** Nearer to the end than this, the reader follows it. */
const END_PX = 60;

export function Chat({
  conversation,
  content,
  model,
  models,
  onExtract,
}: {
  conversation: Conversation;
  content: ReadonlySignal<string>;
  model: Signal<string>;
  models: Model[] | undefined;
  onExtract: () => void;
}) {
  const text = useKeptText(`message:${conversation.id}`);
  const proposal = conversation.proposal.value;
  // A model that was chosen once may not be there any more.
  const answering = chosenModel(models, model.value)?.id;
  const isNew = useComputed(() => {
    const newest = conversation.proposal.value?.blocks[0];
    return newest !== undefined && newest.text.trim() !== content.value.trim();
  });
  return (
    <>
      <header class="panel-bar">
        <h2>Conversation</h2>
        <button type="button" class={isNew.value ? "primary" : ""} disabled={!proposal} onClick={onExtract}>
          <FileInput class="icon" aria-hidden="true" />
          Extract draft
          {isNew.value && <span class="new">new proposal</span>}
        </button>
      </header>
      <Messages conversation={conversation} text={text} answering={answering} />
      <Composer conversation={conversation} text={text} model={model} models={models} answering={answering} />
    </>
  );
}

function Messages({
  conversation,
  text,
  answering,
}: {
  conversation: Conversation;
  text: Kept;
  answering: string | undefined;
}) {
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useSignal(true);
  const isLoadingEarlier = useSignal(false);
  const messages = conversation.messages.value;
  const answer = conversation.answer.value;
  const outgoing = conversation.outgoing.value;

  const toEnd = (): void => {
    const shown = list.current;
    if (shown) shown.scrollTop = shown.scrollHeight;
  };
  // What grows is followed only by a reader who is at its end.
  useLayoutEffect(() => {
    if (isAtEnd.value) toEnd();
  }, [messages, answer, outgoing]);

  const loadEarlier = async (): Promise<void> => {
    if (isLoadingEarlier.value) return;
    const shown = list.current;
    const below = shown ? shown.scrollHeight - shown.scrollTop : 0;
    isLoadingEarlier.value = true;
    await conversation.loadEarlier();
    isLoadingEarlier.value = false;
    requestAnimationFrame(() => {
      if (shown) shown.scrollTop = shown.scrollHeight - below;
    });
  };

  const last = messages.at(-1);
  const isAtRest = !conversation.isBusy.value && !outgoing && conversation.error.value === undefined;
  const canAsk = conversation.isPending.value;
  const why = last ? unfinished(last) : "";
  return (
    <div class="messages-frame">
      <div
        class="messages"
        ref={list}
        tabIndex={0}
        role="log"
        aria-label="Messages"
        aria-live="off"
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          isAtEnd.value = scrollHeight - scrollTop - clientHeight < END_PX;
        }}
      >
        {!conversation.loaded.value && conversation.loadError.value === undefined && <Working />}
        {conversation.loadError.value !== undefined && (
          <Failed error={conversation.loadError.value} retry={() => void conversation.open()} />
        )}
        {conversation.earlier.value !== null && (
          <button
            type="button"
            class="plain"
            aria-disabled={isLoadingEarlier.value}
            onClick={() => void loadEarlier()}
          >
            {isLoadingEarlier.value ? "Loading earlier messages…" : "Show earlier messages"}
          </button>
        )}
        {messages.map((message, at) => (
          <Said
            key={message.id}
            message={message}
            isLast={message === last}
            isAnswered={messages[at + 1]?.role === "assistant"}
          />
        ))}
        {outgoing && (
          <article class="message user">
            <Who name="You" />
            <p class="typed">{outgoing.text}</p>
            {outgoing.failed && <NotSent conversation={conversation} text={text} answering={answering} />}
          </article>
        )}
        {answer !== null && (
          <article class="message assistant" aria-busy="true">
            <Who name="Assistant" />
            <Thinking text={conversation.thinking.value} isGoing={answer === ""} />
            {answer === "" ? <Working>Waiting for the first words</Working> : <Markdown text={answer} />}
          </article>
        )}
        {conversation.isFollowing.value && (
          <p class="quiet small" role="status">
            The answer is being written; it is shown as it is kept.
          </p>
        )}
        {conversation.error.value !== undefined && !outgoing?.failed && (
          <Failed error={conversation.error.value} retry={() => void conversation.ask(answering)} />
        )}
        {isAtRest && (canAsk || why !== "") && (
          <Notice
            kind={!canAsk ? "warn" : last?.problem ? "bad" : "info"}
            actions={
              canAsk && (
                <button type="button" onClick={() => void conversation.ask(answering)}>
                  {last?.role === "user" ? "Ask for the answer" : "Ask again"}
                </button>
              )
            }
          >
            {why || "This message has no answer yet."}
          </Notice>
        )}
      </div>
      {!isAtEnd.value && (
        <button type="button" class="to-end" onClick={toEnd}>
          <ArrowDown class="icon" aria-hidden="true" />
          To the end
        </button>
      )}
    </div>
  );
}

/** A message that didn't get through, or of which that isn't known: sending it again never makes two. */
function NotSent({
  conversation,
  text,
  answering,
}: {
  conversation: Conversation;
  text: Kept;
  answering: string | undefined;
}) {
  const error = conversation.error.value;
  const takeBack = (): void => {
    const taken = conversation.takeBack();
    text.value = text.value === "" ? taken : `${taken}\n\n${text.value}`;
  };
  return (
    <Notice
      kind={error === undefined ? "warn" : "bad"}
      actions={
        <>
          <button type="button" onClick={() => void conversation.resend(answering)}>
            Send again
          </button>
          <button type="button" onClick={takeBack}>
            Back into the field
          </button>
        </>
      }
    >
      {error === undefined
        ? "The page was closed while this was being sent. It is sent once at the most."
        : `Not sent. ${sentence(error)}`}
    </Notice>
  );
}

function Who({ name, children }: { name: string; children?: ComponentChildren }) {
  return (
    <header>
      <h3>{name}</h3>
      {children}
    </header>
  );
}

function Said({ message, isLast, isAnswered }: { message: Message; isLast: boolean; isAnswered: boolean }) {
  const isUser = message.role === "user";
  const why = isLast || (isUser && isAnswered) ? "" : unfinished(message);
  return (
    <article class={`message ${message.role}`}>
      <Who name={isUser ? "You" : "Assistant"}>
        <time class="small quiet" dateTime={message.created_at} title={exact(message.created_at)}>
          {time(Date.parse(message.created_at))}
        </time>
        {message.model && <span class="small quiet">{message.model}</span>}
        {message.content !== "" && (
          <button type="button" class="plain small" onClick={() => void copy(message.content)}>
            <Copy class="icon" aria-hidden="true" />
            Copy
          </button>
        )}
      </Who>
      {message.thinking && <Thinking text={message.thinking} />}
      {isUser ? <p class="typed">{message.content}</p> : <Markdown text={message.content} />}
      {why !== "" && <p class="small quiet">{why}</p>}
    </article>
  );
}
