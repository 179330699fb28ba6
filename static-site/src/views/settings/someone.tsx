/** Being someone else on this machine: to see what other people see of one's work, and what not. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Working } from "../../parts/notice";
import { say } from "../../parts/toasts";
import { identity } from "../../server";

/** What the machine's sign-in takes. */
const NAME = /^[\w.@-]{1,64}$/;

export function Someone() {
  const user = identity.user();
  const name = useSignal("");
  const working = useSignal(false);
  const wrong = useSignal("");
  const input = useRef<HTMLInputElement>(null);

  const become = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (working.value) return;
    const wanted = name.value.trim();
    if (!NAME.test(wanted)) {
      wrong.value = "A name has 1 to 64 letters, digits, and any of . _ @ - in it, such as ada.";
      input.current?.focus();
      return;
    }
    wrong.value = "";
    working.value = true;
    const done = await identity.signIn(wanted);
    working.value = false;
    if (!done) {
      wrong.value = `The sign-in of this machine didn't answer. You are still ${user === "" ? "this machine's own user" : user}; try again.`;
      input.current?.focus();
      return;
    }
    name.value = "";
    say(`You are ${wanted} in this tab.`);
  };

  const back = (): void => {
    identity.signOut();
    say("You are this machine's own user again.");
    input.current?.focus();
  };

  return (
    <section aria-labelledby="someone-heading">
      <h2 id="someone-heading">Be someone else on this machine</h2>
      <p class="measure">
        Drafts, conversations and tests are seen by their owner alone; the library and the topics by everyone.
        To try that out, be someone else in this tab. No password is asked for: this works on one machine
        only, and other tabs stay who they are.
      </p>
      <p class="who">
        You are{" "}
        {user === "" ? (
          "this machine's own user"
        ) : (
          <>
            <strong>{user}</strong>, until this tab is closed
          </>
        )}
        .
      </p>
      <form class="someone" onSubmit={become} noValidate>
        <div class="field">
          <label for="someone">Name</label>
          <input
            id="someone"
            ref={input}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            maxLength={64}
            placeholder="ada"
            value={name.value}
            aria-invalid={wrong.value !== ""}
            aria-describedby={wrong.value === "" ? undefined : "someone-wrong"}
            onInput={(event) => {
              name.value = event.currentTarget.value;
              wrong.value = "";
            }}
          />
        </div>
        <button type="submit">Be this user</button>
        {user !== "" && (
          <button type="button" class="plain" onClick={back}>
            Be yourself again
          </button>
        )}
        {working.value && <Working>Signing in</Working>}
        {wrong.value !== "" && (
          <p id="someone-wrong" class="wrong" role="alert">
            {wrong.value}
          </p>
        )}
      </form>
    </section>
  );
}
