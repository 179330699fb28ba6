/** A draft opened in the workshop: the conversation beside the prompt it is about. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Conversation } from "../../draft/conversation";
import { isOver, Runs } from "../../draft/runs";
import type { DraftSession } from "../../draft/session";
import { keptText } from "../../keep/kept";
import type { EditorHandle } from "../../parts/editor";
import { useModels } from "../../parts/models";
import { query } from "../../parts/router";
import { Tabs } from "../../parts/tabs";
import { useArrival, useTitle } from "../../shell";
import { Chat } from "./chat";
import { Divider } from "./divider";
import { DraftTab } from "./draft-tab";
import { Heading } from "./heading";
import { HistoryTab } from "./history-tab";
import { TestTab } from "./test-tab";

type Tab = "draft" | "test" | "history";

export function Bench({ session }: { session: DraftSession }) {
  const conversation = useMemo(() => new Conversation(session.id), [session]);
  const runs = useMemo(() => new Runs(session.id), [session]);
  const model = useMemo(() => keptText("model"), []);
  const models = useModels();
  const tab = useSignal<Tab>(query.peek().has("topic") ? "test" : "draft");
  const side = useSignal<"chat" | "prompt">("chat");
  const isPromptSeen = useSignal(false);
  const split = useSignal(42);
  const isProposalShown = useSignal(false);
  const chat = useRef<HTMLElement>(null);
  const prompt = useRef<HTMLElement>(null);
  const editor = useRef<EditorHandle | null>(null);
  const main = useRef<HTMLElement>(null);
  useTitle(session.name.value);
  useArrival(main);

  useEffect(() => {
    void conversation.open();
    void runs.more();
    return () => conversation.close();
  }, [conversation, runs]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "F6") {
        event.preventDefault();
        const isInChat = chat.current?.contains(document.activeElement) ?? false;
        side.value = isInChat ? "prompt" : "chat";
        // The panel may have been hidden until now.
        requestAnimationFrame(() => {
          if (!isInChat) chat.current?.querySelector("textarea")?.focus();
          else if (tab.value === "draft" && editor.current) editor.current.focus();
          else prompt.current?.querySelector<HTMLElement>("[role=tab][aria-selected=true]")?.focus();
        });
      } else if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
        event.preventDefault();
        void session.saveNow();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [session]);

  // On a small screen the editor is fetched when one turns to its side.
  useEffect(() => {
    const wide = matchMedia("(min-width: 60rem)");
    const look = (): void => {
      if (wide.matches || side.value === "prompt") isPromptSeen.value = true;
    };
    look();
    wide.addEventListener("change", look);
    return () => wide.removeEventListener("change", look);
  }, [side.value]);

  const showProposal = (): void => {
    isProposalShown.value = true;
    tab.value = "draft";
    side.value = "prompt";
  };
  const running = runs.list.value.filter((run) => !isOver(run)).length;
  const tabs = [
    { id: "draft", label: "Draft" },
    { id: "test", label: "Test", badge: running > 0 ? `${running} running` : undefined },
    { id: "history", label: "History", badge: runs.total.value ? String(runs.total.value) : undefined },
  ] as const;

  return (
    <main
      class="bench"
      id="main"
      tabIndex={-1}
      style={{ "--split": `${split.value}%` }}
      data-side={side.value}
    >
      <h1 class="visually-hidden">{session.name.value.trim() || "Draft"}</h1>
      <div class="sides">
        <button type="button" aria-pressed={side.value === "chat"} onClick={() => (side.value = "chat")}>
          Conversation
        </button>
        <button type="button" aria-pressed={side.value === "prompt"} onClick={() => (side.value = "prompt")}>
          Prompt
        </button>
      </div>
      <section class="chat" id="chat-panel" aria-label="Conversation" ref={chat}>
        <Chat
          conversation={conversation}
          content={session.content}
          model={model}
          models={models.value}
          onExtract={showProposal}
        />
      </section>
      <Divider split={split} />
      <section class="prompt" aria-label="Prompt" ref={prompt}>
        <Heading session={session} runs={runs} />
        <Tabs
          label="Parts of the prompt"
          tabs={tabs}
          selected={tab.value}
          onSelect={(id) => (tab.value = id)}
        />
        <div role="tabpanel" id="panel-draft" aria-labelledby="tab-draft" hidden={tab.value !== "draft"}>
          {isPromptSeen.value && (
            <DraftTab
              session={session}
              proposal={conversation.proposal}
              isProposalShown={isProposalShown}
              onEditor={(handle) => {
                editor.current = handle;
              }}
            />
          )}
        </div>
        <div
          role="tabpanel"
          id="panel-test"
          aria-labelledby="tab-test"
          hidden={tab.value !== "test"}
          tabIndex={-1}
        >
          <h2 class="visually-hidden">Test</h2>
          <TestTab session={session} runs={runs} model={model} models={models.value} />
        </div>
        <div
          role="tabpanel"
          id="panel-history"
          aria-labelledby="tab-history"
          hidden={tab.value !== "history"}
        >
          <h2 class="visually-hidden">History</h2>
          {tab.value === "history" && <HistoryTab session={session} runs={runs} />}
        </div>
      </section>
    </main>
  );
}
