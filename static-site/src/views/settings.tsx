/** Models, and how the page looks and is worked with. */
import { lazy } from "../parts/lazy";
import { useLoad } from "../parts/load";
import { Failed, Working } from "../parts/notice";
import { setTheme, type Theme, theme } from "../parts/theme";
import { getHealth, identity } from "../server";
import { Page } from "../shell";
import { Models } from "./settings/models";
import { Someone } from "./settings/someone";
import "../styles/settings.css";

/** Where people sign in its code is there already; elsewhere it is never fetched. */
const SignedIn = lazy(async () => (await import("../sign-in/sign-in")).SignedIn);

const THEMES: { id: Theme; label: string }[] = [
  { id: "system", label: "As the system" },
  { id: "light", label: "Light" },
  { id: "dark", label: "Dark" },
];

const KEYS: { keys: string[]; what: string }[] = [
  { keys: ["Ctrl+Enter", "⌘+Enter"], what: "Send the message, or run the test" },
  { keys: ["Ctrl+S", "⌘+S"], what: "Save the draft" },
  { keys: ["Ctrl+F", "⌘+F"], what: "Find in the editor" },
  { keys: ["Esc"], what: "Close a dialog, or the search of the editor" },
  { keys: ["F6"], what: "Go to the other panel of the workshop" },
  { keys: ["←", "→"], what: "Move the divider between the panels, when it has the focus" },
];

export function Settings() {
  return (
    <Page title="Models and settings" lead="Which models answer, and how the page looks and is worked with.">
      <Models />
      <Appearance />
      <Keys />
      {identity.isProvided() ? <SignedIn /> : <Someone />}
      <About />
    </Page>
  );
}

function Appearance() {
  return (
    <section aria-labelledby="theme-heading">
      <h2 id="theme-heading">Appearance</h2>
      <fieldset class="row choices">
        <legend class="visually-hidden">Theme</legend>
        {THEMES.map((one) => (
          <label key={one.id}>
            <input
              type="radio"
              name="theme"
              checked={theme.value === one.id}
              onChange={() => setTheme(one.id)}
            />
            {one.label}
          </label>
        ))}
      </fieldset>
    </section>
  );
}

function Keys() {
  return (
    <section aria-labelledby="keys-heading">
      <h2 id="keys-heading">Keys</h2>
      <table class="keys">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Key</th>
            <th scope="col">What it does</th>
          </tr>
        </thead>
        <tbody>
          {KEYS.map((row) => (
            <tr key={row.what}>
              <td>
                {row.keys.map((key, at) => (
                  <span key={key}>
                    {at > 0 && <span class="quiet small"> or </span>}
                    <kbd>{key}</kbd>
                  </span>
                ))}
              </td>
              <td>{row.what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function About() {
  const health = useLoad(getHealth);
  return (
    <section aria-labelledby="about-heading">
      <h2 id="about-heading">About</h2>
      {health.error.value !== undefined && <Failed error={health.error.value} retry={health.reload} />}
      {health.loading.value && !health.data.value && <Working>Asking for the version</Working>}
      <p class="measure">
        {health.data.value && <>Version {health.data.value.version} of the workshop. </>}
        Everything the page does can be done over HTTP as well: the{" "}
        <a href="/api/openapi.json">OpenAPI document</a> describes every route.
      </p>
    </section>
  );
}
