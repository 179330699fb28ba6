/**
 * Signing in, as it is seen: the page of who isn't, the account in the bar, and
 * what is said when a sign-in has ended. Only a deployment that has an identity
 * provider fetches this.
 */
import { signal } from "@preact/signals";
import { LogOut } from "lucide-preact";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { isEverythingKept, journal, saveEverything, type Unsaved, unsavedDrafts } from "../draft/world";
import { livingTabs } from "../keep/tab";
import { Dialog } from "../parts/dialog";
import { Notice, Working } from "../parts/notice";
import { go } from "../parts/router";
import type { Reason } from "../rules/sign-in";
import { identity, isServerThere, type Oidc } from "../server";
import { Page } from "../shell";
import { SignIn } from "./provider";
import "../styles/sign-in.css";

/** What the frame of the page shows of it. */
export interface SignInParts {
  /** Whether the views are to be seen: also while a sign-in that has ended waits to be renewed. */
  isIn(): boolean;
  /** The page of who isn't signed in. */
  Door: ComponentType;
  Account: ComponentType;
  Ended: ComponentType;
}

const REASONS: Record<Reason, { kind: "info" | "warn" | "bad"; words: string }> = {
  out: { kind: "info", words: "You are signed out." },
  "out-offline": {
    kind: "warn",
    words:
      "You are signed out in this browser. There is no network, so the sign-in service doesn't know: on a computer that others use, sign in and out once more when it is back.",
  },
  "out-elsewhere": { kind: "info", words: "You signed out in another tab." },
  offline: { kind: "warn", words: "There is no network. What you typed is kept; sign in when it is back." },
  unreachable: {
    kind: "bad",
    words: "The sign-in service doesn't answer. What you typed is kept; try again in a while.",
  },
  denied: {
    kind: "warn",
    words: "The sign-in was cancelled, or this account may not use the workshop.",
  },
  unfinished: { kind: "info", words: "That sign-in took too long or was used before. Sign in once more." },
  failed: {
    kind: "bad",
    words:
      "The sign-in service refused. Try again; if it goes on, tell whoever runs this workshop that the sign-in is set up wrongly.",
  },
};

/** What one tab tells the others of the same person: to save what they have, or that it signs out. */
interface Told {
  user: string;
  what: "save" | "out";
}

/** So long other tabs have for it, which is asked about so often. */
const OTHERS_SAVE_MS = 4_000;
const LOOK_EVERY_MS = 200;

let signIn: SignIn | undefined;
const channel = new BroadcastChannel("sign-in");
/** What keeps someone from signing out at once; null while nothing does. */
const unsaved = signal<Unsaved[] | null>(null);
const isSigningOut = signal(false);
/** Whether the browser has everything that is on screen, as far as that was asked. */
const isKept = signal(true);

const here = (): string => location.pathname + location.search + location.hash;

/** Takes up the sign-in of this tab, or what the provider sends back. */
export async function begin(oidc: Oidc): Promise<SignInParts> {
  const made = new SignIn(oidc, {
    origin: location.origin,
    tab: sessionStorage,
    browser: localStorage,
    now: Date.now,
    isOnline: isServerThere,
    later(ms, act) {
      // A timer knows no longer time than 24 days.
      const timer = setTimeout(act, Math.min(ms, 2 ** 31 - 1));
      return () => clearTimeout(timer);
    },
    leave: (address) => location.replace(address),
  });
  const to = await made.begin(new URL(location.href));
  // What the provider put into the address is good for one use and nobody else's: no step back leads to it.
  if (to !== null) go(to, { replace: true });
  signIn = made;
  identity.use(made);
  listen(made);
  if (made.isKnown()) void made.signIn(here());
  return { isIn: () => ["in", "ended"].includes(made.standing.value.is), Door, Account, Ended };
}

function listen(made: SignIn): void {
  addEventListener("online", () => made.wake());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") made.wake();
  });
  // The Back button can bring a page back as it was when it was left, with whoever was signed in then.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  channel.addEventListener("message", async ({ data }: MessageEvent<Told>) => {
    if (data.user !== made.user() || made.standing.value.is === "leaving") return;
    await saveEverything();
    if (data.what === "out") await made.signOutHere();
  });
}

function tell(what: Told["what"]): void {
  channel.postMessage({ user: identity.user(), what } satisfies Told);
}

async function askToLeave(): Promise<void> {
  if (isSigningOut.value) return;
  isSigningOut.value = true;
  tell("save");
  await saveEverything();
  let left = await unsavedDrafts();
  const hasOthers = (await livingTabs().catch(() => new Set())).size > 1;
  for (const end = Date.now() + OTHERS_SAVE_MS; hasOthers && left.length > 0 && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    left = await unsavedDrafts();
  }
  isSigningOut.value = false;
  if (left.length > 0) unsaved.value = left;
  else await leave();
}

async function leave(): Promise<void> {
  if (!signIn) return;
  unsaved.value = null;
  // What the server has can be read there again; nobody reads it here meanwhile.
  await (await journal).forgetSaved(identity.user()).catch(() => {});
  tell("out");
  await signIn.signOut();
}

function Door() {
  const standing = signIn?.standing.value;
  if (!signIn || standing?.is === "leaving") {
    return (
      <main class="page" id="main">
        <Working>One moment</Working>
      </main>
    );
  }
  const reason = standing?.is === "out" && standing.why !== null ? REASONS[standing.why] : undefined;
  return (
    <div class="door">
      <Page
        title="Sign in to the workshop"
        lead="Talk a need through with an assistant, draft the prompt it proposes, test it on real questions over news articles, and commit what works to a library that others clone from."
      >
        <div class="stack">
          {reason && <Notice kind={reason.kind}>{reason.words}</Notice>}
          <button type="button" class="primary" onClick={() => void signIn?.signIn(here())}>
            Sign in
          </button>
          <p class="quiet small">
            Your drafts, conversations and tests are seen by you alone; the library and the topics by everyone
            here.{" "}
            {here() === "/"
              ? "Accounts are given by whoever runs this workshop."
              : "The link that you opened is shown next."}
          </p>
        </div>
      </Page>
    </div>
  );
}

function Account() {
  const name = signIn?.name() ?? "";
  return (
    <>
      <span class="end account">
        <span class="name" title={name}>
          {name}
        </span>
        <button
          type="button"
          class="plain"
          aria-disabled={isSigningOut.value}
          onClick={() => void askToLeave()}
        >
          <LogOut class="icon" aria-hidden="true" />
          <span class="words">{isSigningOut.value ? "Saving…" : "Sign out"}</span>
        </button>
      </span>
      {unsaved.value && <NotSaved drafts={unsaved.value} />}
    </>
  );
}

function NotSaved({ drafts }: { drafts: Unsaved[] }) {
  const stay = (): void => {
    unsaved.value = null;
  };
  const isLost = drafts.some((draft) => !draft.isKept);
  return (
    <Dialog title="Not everything is saved" onClose={stay}>
      <p>The workshop's server doesn't have the newest text of:</p>
      <ul class="unsaved">
        {drafts.map((draft) => (
          <li key={draft.id}>
            {draft.name}
            {!draft.isKept && <span class="wrong"> (only on this screen)</span>}
          </li>
        ))}
      </ul>
      <p>
        {isLost
          ? "The browser's storage is off or full: what is only on this screen is lost when you sign out. Copy it first."
          : "It stays in this browser. Nobody else is shown it, and it is saved when you sign in here again and open the draft."}
      </p>
      <div class="actions">
        <button type="button" class="danger" onClick={() => void leave()}>
          Sign out all the same
        </button>
        <button type="button" class="primary" onClick={stay}>
          Stay signed in
        </button>
      </div>
    </Dialog>
  );
}

/** Above every view once a renewal was refused. The frame around it is there before, so that it is read out. */
function Ended() {
  const standing = signIn?.standing.value;
  const hasEnded = standing?.is === "ended";
  useEffect(() => {
    if (hasEnded) {
      void isEverythingKept().then((kept) => {
        isKept.value = kept;
      });
    }
  }, [hasEnded]);
  const why = hasEnded && standing.why !== null ? REASONS[standing.why].words : "";
  return (
    <div class="standing" role="status">
      {hasEnded && (
        <Notice
          kind="warn"
          actions={
            <button type="button" class="primary" onClick={() => void again()}>
              Sign in again
            </button>
          }
        >
          Your sign-in has ended.{" "}
          {isKept.value
            ? "Everything you typed is kept in this browser, and is saved when you have signed in again."
            : "The browser's storage is off or full: copy the text on this screen before you sign in again."}{" "}
          {why}
        </Notice>
      )}
    </div>
  );
}

async function again(): Promise<void> {
  isKept.value = await isEverythingKept();
  await signIn?.signIn(here());
}

/** The account among the settings. */
export function SignedIn() {
  return (
    <section aria-labelledby="account-heading">
      <h2 id="account-heading">Account</h2>
      <p class="who measure">
        You are signed in as <strong>{signIn?.name()}</strong>. Signing out saves what isn't saved, and ends
        it in all tabs of this browser.
      </p>
      <button type="button" aria-disabled={isSigningOut.value} onClick={() => void askToLeave()}>
        <LogOut class="icon" aria-hidden="true" />
        {isSigningOut.value ? "Saving…" : "Sign out"}
      </button>
    </section>
  );
}
