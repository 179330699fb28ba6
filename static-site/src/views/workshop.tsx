/**
 * The workshop: `?draft_id=` opens a draft, `?clone=<prompt>` makes a new one of
 * a library prompt and opens that, `?topic=` chooses what it is tested on.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { DraftSession } from "../draft/session";
import { closeSession, openSession } from "../draft/world";
import { Failed, Working } from "../parts/notice";
import { go, query } from "../parts/router";
import { clonePrompt, newKey } from "../server";
import { Page } from "../shell";
import { Start } from "./start";
import { Bench } from "./workshop/bench";
import "../styles/workshop.css";

export function Workshop() {
  const draft = query.value.get("draft_id");
  const clone = query.value.get("clone");
  if (draft) return <Opened key={draft} id={draft} />;
  if (clone) return <Cloning key={clone} name={clone} />;
  return (
    <Page title="Start a prompt" lead="Say what it is for, bring a text, or take one from the library.">
      <Start />
    </Page>
  );
}

function Opened({ id }: { id: string }) {
  const session = useSignal<DraftSession | null>(null);
  useEffect(() => {
    let isLeft = false;
    void openSession(id).then((opened) => {
      if (isLeft) closeSession(opened);
      else session.value = opened;
    });
    return () => {
      isLeft = true;
      if (session.value) closeSession(session.value);
    };
  }, [id]);
  const opened = session.value;
  if (!opened || opened.opening.value.is === "opening") {
    return (
      <main class="page" id="main">
        <Working>Opening the draft</Working>
      </main>
    );
  }
  const state = opened.opening.value;
  if (state.is === "failed") {
    return (
      <Page title="The draft could not be opened">
        <Failed error={state.error} retry={() => void opened.open()} />
      </Page>
    );
  }
  if (state.is === "gone") {
    return (
      <Page
        title="This draft is not there"
        lead="It was deleted, it expired, or it belongs to someone else. Drafts expire 30 days after their last change."
      >
        <p>
          <a href="/">Go to your drafts</a>
        </p>
      </Page>
    );
  }
  return <Bench session={opened} />;
}

/** A key that stays with this step of the browser's history: a reload clones nothing twice. */
function keyOfThisStep(): string {
  const known = (history.state as { cloneKey?: string } | null)?.cloneKey;
  if (known) return known;
  const key = newKey();
  history.replaceState({ cloneKey: key }, "");
  return key;
}

function Cloning({ name }: { name: string }) {
  const error = useSignal<unknown>(undefined);
  const clone = async (): Promise<void> => {
    error.value = undefined;
    try {
      const made = await clonePrompt(name, keyOfThisStep());
      const topic = query.value.get("topic");
      const search = new URLSearchParams({ draft_id: made.draft_id, ...(topic ? { topic } : {}) });
      go(`/prompt-workshop?${search}`, { replace: true });
    } catch (failure) {
      error.value = failure;
    }
  };
  useEffect(() => {
    void clone();
  }, []);
  return (
    <Page title={`A draft from ${name}`}>
      {error.value === undefined ? (
        <Working>Cloning</Working>
      ) : (
        <div class="stack">
          <Failed error={error.value} retry={() => void clone()} />
          <p>
            <a href="/library">Look in the library</a>
          </p>
        </div>
      )}
    </Page>
  );
}
