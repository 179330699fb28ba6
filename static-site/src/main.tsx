/** The page: whether one has to sign in first, and which view stands at which path. */
import { signal } from "@preact/signals";
import { render } from "preact";
import { lazy } from "./parts/lazy";
import { Notice, Working } from "./parts/notice";
import { keepForOffline } from "./parts/offline";
import { path } from "./parts/router";
import { readConfig } from "./server";
import { Page, Shell } from "./shell";
import type { SignInParts } from "./sign-in/sign-in";
import { Home } from "./views/home";
import "./styles/base.css";
import "./styles/parts.css";

const Workshop = lazy(async () => (await import("./views/workshop")).Workshop);
const Library = lazy(async () => (await import("./views/library")).Library);
const LibraryPrompt = lazy(async () => (await import("./views/library-prompt")).LibraryPrompt);
const Topics = lazy(async () => (await import("./views/topics")).Topics);
const TopicPage = lazy(async () => (await import("./views/topic")).TopicPage);
const Dashboard = lazy(async () => (await import("./views/dashboard")).Dashboard);
const Settings = lazy(async () => (await import("./views/settings")).Settings);

function View() {
  const [, place = "", name = "", ...more] = path.value.split("/").map(decode);
  if (more.length > 0) return <Nowhere />;
  if (place === "" && name === "") return <Home />;
  if (place === "prompt-workshop" && name === "") return <Workshop />;
  if (place === "library") return name === "" ? <Library /> : <LibraryPrompt name={name} />;
  if (place === "topics") return name === "" ? <Topics /> : <TopicPage name={name} />;
  if (place === "dashboard" && name === "") return <Dashboard />;
  if (place === "settings" && name === "") return <Settings />;
  return <Nowhere />;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function Nowhere() {
  return (
    <Page title="Nothing is here" lead="The address may be mistyped, or what was here is gone.">
      <p>
        <a href="/">Go to your drafts</a>
      </p>
    </Page>
  );
}

type Entrance = { is: "waiting" } | { is: "failed" } | { is: "open"; signIn: SignInParts | null };

const entrance = signal<Entrance>({ is: "waiting" });

/** Asks how one comes in here. On one machine nobody signs in, and the code for it isn't fetched. */
async function enter(): Promise<void> {
  entrance.value = { is: "waiting" };
  try {
    const { oidc } = await readConfig();
    const signIn = oidc && (await (await import("./sign-in/sign-in")).begin(oidc));
    entrance.value = { is: "open", signIn };
  } catch {
    entrance.value = { is: "failed" };
  }
}

function Everything() {
  const at = entrance.value;
  if (at.is !== "open") {
    return (
      <Shell isClosed>
        <main class="page" id="main">
          {at.is === "waiting" ? <Working /> : <Unreached />}
        </main>
      </Shell>
    );
  }
  const { signIn } = at;
  if (signIn && !signIn.isIn()) {
    return (
      <Shell isClosed>
        <signIn.Door />
      </Shell>
    );
  }
  return (
    <Shell account={signIn && <signIn.Account />} standing={signIn && <signIn.Ended />}>
      <View />
    </Shell>
  );
}

function Unreached() {
  const retry = (
    <button type="button" onClick={() => void enter()}>
      Try again
    </button>
  );
  return (
    <Notice kind="bad" actions={retry}>
      The workshop can't be reached, so its page can't start. What you typed in this browser is kept. Try
      again when you have a connection.
    </Notice>
  );
}

const root = document.getElementById("page");
if (root) render(<Everything />, root);
void enter();
keepForOffline();
