/** The page: which view stands at which path. */
import { render } from "preact";
import { lazy } from "./parts/lazy";
import { keepForOffline } from "./parts/offline";
import { path } from "./parts/router";
import { Page, Shell } from "./shell";
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

const root = document.getElementById("page");
if (root) {
  render(
    <Shell>
      <View />
    </Shell>,
    root,
  );
}
keepForOffline();
