import { describe, expect, test, vi } from "vitest";
import { chance } from "../rules/chance";
import { type Choice, isConflict } from "../rules/merge";
import type { DraftSession } from "./session";
import { Bench, done } from "./workbench";

const lines = (...all: string[]): string => all.join("\n");
let made = 0;
/** A server with one draft, and nobody who has opened it. */
const bench = (content = lines("role", "", "focus", "", "style")): Bench => {
  made += 1;
  return new Bench(`draft-${made}`, content);
};
const type = (session: DraftSession, content: string): void => session.edit({ content });
const write = (session: DraftSession, more: string): void =>
  session.edit({ content: session.content.value + more });

describe("saving by itself", () => {
  test("happens two seconds after the last change", async () => {
    const at = bench();
    const session = await at.open();
    write(session, " a");
    await at.pass(1_900);
    write(session, "b");
    await at.pass(1_900);
    expect(at.server.edits).toEqual([]);
    expect(session.save.value.is).toBe("edited");
    await at.pass(100);
    expect(at.server.content).toMatch(/style ab$/);
    expect(session.save.value).toEqual({ is: "saved", at: at.now });
  });

  test("happens within fifteen seconds of typing without a pause", async () => {
    const at = bench("");
    const session = await at.open();
    for (let second = 0; second < 15; second += 1) {
      write(session, "x");
      await at.pass(1_000);
    }
    expect(at.server.content).toMatch(/^x{14,15}$/);
  });

  test("sends only what was changed", async () => {
    const at = bench();
    const session = await at.open();
    session.edit({ name: "Weekly brief" });
    await at.pass(2_000);
    session.edit({ description: "For executives", status: "ready" });
    await at.pass(2_000);
    expect(at.server.edits).toEqual([
      { draft_name: "Weekly brief" },
      { draft_description: "For executives", status: "ready" },
    ]);
  });

  test("sends nothing when a change was taken back", async () => {
    const at = bench("a");
    const session = await at.open();
    type(session, "ab");
    type(session, "a");
    expect(session.save.value.is).toBe("saved");
    await at.pass(20_000);
    expect(at.server.edits).toEqual([]);
  });

  test("what is typed while a save is under way is in the next one", async () => {
    const at = bench("a");
    const session = await at.open();
    let answer = (): void => {};
    at.server.gate = new Promise((resolve) => {
      answer = resolve;
    });
    type(session, "ab");
    await at.pass(2_000);
    expect(session.save.value.is).toBe("saving");
    type(session, "abc");
    expect(session.save.value.is).toBe("saving");
    answer();
    await at.pass(0);
    expect(session.save.value.is).not.toBe("saved");
    await at.pass(2_000);
    expect(at.server.edits.map((edit) => edit.draft_content)).toEqual(["ab", "abc"]);
    expect(session.save.value.is).toBe("saved");
  });

  test("on asking is at once, and tells when the server has everything", async () => {
    const at = bench("a");
    const session = await at.open();
    type(session, "ab");
    expect(await session.saveNow()).toBe(true);
    expect(at.server.content).toBe("ab");
    at.server.isDown = true;
    type(session, "abc");
    expect(await session.saveNow()).toBe(false);
  });
});

test("asking twice for the same save sends it once", async () => {
  const at = bench("a");
  const session = await at.open();
  type(session, "ab");
  expect(await Promise.all([session.saveNow(), session.saveNow()])).toEqual([true, true]);
  expect(at.server.edits).toHaveLength(1);
});

describe("an answer that is lost", () => {
  test("makes neither a conflict nor a duplicate", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.faults = ["lost"];
    type(session, lines("a", "typed"));
    await at.pass(2_000);
    expect(session.save.value.is).toBe("offline");
    await at.pass(2_000);
    expect(session.save.value.is).toBe("saved");
    expect(session.conflict.value).toBeNull();
    expect(session.notice.value).toBeNull();
    expect(at.server.content).toBe(lines("a", "typed"));
  });

  test("is no conflict with what was typed meanwhile on the same line", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.faults = ["lost"];
    type(session, "a little");
    await at.pass(2_000);
    type(session, "a little more");
    await at.pass(2_000);
    expect(session.conflict.value).toBeNull();
    expect(at.server.content).toBe("a little more");
    expect(session.save.value.is).toBe("saved");
  });

  test("doesn't bring back what was taken back meanwhile", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.faults = ["lost"];
    type(session, "a mistake");
    await at.pass(2_000);
    type(session, "a");
    expect(session.save.value.is).not.toBe("saved");
    await at.pass(60_000);
    expect(session.content.value).toBe("a");
    expect(at.server.content).toBe("a");
    expect(session.save.value.is).toBe("saved");
  });
});

describe("a save that meets another's", () => {
  test("is merged with it and saved", async () => {
    const at = bench();
    const session = await at.open();
    at.server.apply({ draft_content: lines("Role!", "", "focus", "", "style") });
    type(session, lines("role", "", "focus", "", "style: short"));
    await at.pass(2_000);
    expect(at.server.content).toBe(lines("Role!", "", "focus", "", "style: short"));
    expect(session.content.value).toBe(at.server.content);
    expect(session.save.value.is).toBe("saved");
    expect(session.notice.value).toContain("saved elsewhere");
  });

  test("keeps another's name and description beside my text", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.apply({ draft_name: "Theirs", draft_description: "Said by them" });
    type(session, "ab");
    session.edit({ description: " " });
    await at.pass(2_000);
    expect(at.server.draft).toMatchObject({
      draft_name: "Theirs",
      draft_description: "Said by them",
      draft_content: "ab",
    });
  });

  test("asks where both changed the same lines, and saves what was chosen", async () => {
    const at = bench();
    const session = await at.open();
    at.server.apply({ draft_content: lines("theirs", "", "focus", "", "style") });
    type(session, lines("mine", "", "focus", "", "style: short"));
    await at.pass(2_000);
    expect(session.save.value.is).toBe("conflict");
    expect(session.conflict.value?.parts.filter(isConflict)).toEqual([
      { mine: ["mine"], base: ["role"], theirs: ["theirs"] },
    ]);
    expect(session.choose([])).toBe(false);
    await at.pass(60_000);
    expect(at.server.content).toContain("theirs");
    expect(session.choose(["both"])).toBe(true);
    await at.pass(0);
    expect(at.server.content).toBe(lines("mine", "theirs", "", "focus", "", "style: short"));
    expect(session.save.value.is).toBe("saved");
  });

  test("a name typed while the conflict is shown stays", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.apply({ draft_content: "theirs" });
    type(session, "mine");
    await at.pass(2_000);
    session.edit({ name: "Named meanwhile" });
    session.choose(["mine"]);
    await at.pass(2_000);
    expect(at.server.draft).toMatchObject({ draft_content: "mine", draft_name: "Named meanwhile" });
  });

  test("a text put in from elsewhere while the conflict is shown doesn't undo the choice", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.apply({ draft_content: "theirs" });
    type(session, "mine");
    await at.pass(2_000);
    session.edit({ content: "from a button" });
    expect(session.content.value).toBe("mine");
    session.choose(["both"]);
    await at.pass(2_000);
    expect(at.server.content).toBe(lines("mine", "theirs"));
  });

  test("says the name that someone else gave it when mine stands", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.apply({ draft_name: "Theirs" });
    session.edit({ name: "Mine" });
    await at.pass(2_000);
    expect(at.server.draft).toMatchObject({ draft_name: "Mine" });
    expect(session.notice.value).toContain("“Theirs”");
  });

  test("a conflict survives a crash", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.apply({ draft_content: "theirs" });
    type(session, "mine");
    await at.pass(2_000);
    for (let reloads = 0; reloads < 2; reloads += 1) {
      await at.crash();
      const again = await at.open();
      expect(again.conflict.value?.parts).toEqual([{ mine: ["mine"], base: ["a"], theirs: ["theirs"] }]);
    }
  });
});

describe("what another tab saves", () => {
  test("comes into a tab in which nothing was changed", async () => {
    const at = bench("a");
    const [here, there] = [await at.open("a"), await at.open("b")];
    type(here, "ab");
    await at.pass(2_000);
    expect(there.content.value).toBe("ab");
    expect(there.save.value.is).toBe("saved");
  });

  test("is merged with what is being typed", async () => {
    const at = bench();
    const [here, there] = [await at.open("a"), await at.open("b")];
    write(there, ", short");
    type(here, lines("Role", "", "focus", "", "style"));
    await at.pass(4_000);
    expect(at.server.content).toBe(lines("Role", "", "focus", "", "style, short"));
    expect([here.content.value, there.content.value]).toEqual([at.server.content, at.server.content]);
  });
});

describe("without a server", () => {
  test("it is tried again ever more rarely, and saved when it is back", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.isDown = true;
    type(session, "ab");
    await at.pass(2_000);
    expect(session.save.value).toEqual({ is: "offline", retryAt: at.now + 2_000 });
    const before = at.server.asked;
    await at.pass(10 * 60_000);
    expect(at.server.asked - before).toBeLessThan(16);
    at.server.isDown = false;
    await at.pass(60_000);
    expect(at.server.content).toBe("ab");
    expect(session.save.value.is).toBe("saved");
  });

  test("a keystroke doesn't hurry the next try", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.isDown = true;
    type(session, "ab");
    await at.pass(60_000);
    const before = at.server.asked;
    for (let second = 0; second < 20; second += 1) {
      write(session, "x");
      await at.pass(1_000);
    }
    expect(at.server.asked - before).toBeLessThanOrEqual(1);
  });

  test("it gives up after many tries, and starts again when the network or the person is back", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.isDown = true;
    type(session, "ab");
    await at.pass(2 * 3_600_000);
    expect(session.save.value).toEqual({ is: "offline", retryAt: null });
    const before = at.server.asked;
    await at.pass(3_600_000);
    expect(at.server.asked).toBe(before);
    session.wake();
    await at.pass(0);
    expect(session.save.value).toEqual({ is: "offline", retryAt: at.now + 2_000 });
    at.server.isDown = false;
    session.wake();
    await at.pass(0);
    expect(at.server.content).toBe("ab");
    expect(session.save.value.is).toBe("saved");
  });

  test("a draft that was opened before is read, edited, and saved later", async () => {
    const at = bench("a");
    const first = await at.open();
    type(first, "ab");
    await at.pass(2_000);
    await at.crash();
    at.server.isDown = true;
    const session = await at.open();
    expect(session.opening.value.is).toBe("open");
    expect(session.content.value).toBe("ab");
    type(session, "abc");
    at.server.isDown = false;
    await at.pass(2_000);
    expect(at.server.content).toBe("abc");
    expect(session.save.value.is).toBe("saved");
  });

  test("a draft that this browser doesn't have says that it can't be opened, and opens later", async () => {
    const at = bench("a");
    at.server.isDown = true;
    const session = await at.open();
    expect(session.opening.value.is).toBe("failed");
    at.server.isDown = false;
    session.wake();
    await at.pass(0);
    expect(session.opening.value.is).toBe("open");
    expect(session.content.value).toBe("a");
  });
});

describe("a refusal", () => {
  test("that names a time is not tried before it, whatever is typed", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.faults = [{ status: 429, retryAfter: 30 }];
    type(session, "ab");
    await at.pass(2_000);
    expect(session.save.value).toMatchObject({ is: "failed", retryAt: at.now + 30_000 });
    await at.pass(5_000);
    write(session, "c");
    await at.pass(24_000);
    expect(at.server.edits).toEqual([]);
    await at.pass(1_000);
    expect(at.server.content).toBe("abc");
    expect(session.save.value.is).toBe("saved");
  });

  test("that won't pass is said, and tried again when the text was changed", async () => {
    const at = bench("a");
    const session = await at.open();
    at.server.faults = [{ status: 403 }];
    type(session, "ab");
    await at.pass(60_000);
    expect(session.save.value).toEqual({ is: "failed", why: "Refused: unavailable.", retryAt: null });
    expect(at.server.edits).toEqual([]);
    type(session, "abc");
    await at.pass(2_000);
    expect(at.server.content).toBe("abc");
  });
});

describe("a sign-in that has ended", () => {
  const ENDED = { status: 401, code: "sign-in-ended" } as const;

  test("holds the saves back and keeps what is typed, until someone has signed in again", async () => {
    const at = bench("text");
    const session = await at.open("a", "ada");
    at.server.faults = [ENDED];
    write(session, ", typed before");
    await at.pass(2_000);
    expect(session.save.value).toEqual({ is: "signed-out" });
    const { asked } = at.server;
    write(session, " and after");
    await at.pass(600_000);
    expect(session.save.value).toEqual({ is: "signed-out" });
    expect(at.server.asked).toBe(asked);
    // Signing in again loads the page anew.
    await at.crash();
    const again = await at.open("a", "ada");
    expect(again.content.value).toBe("text, typed before and after");
    await at.pass(2_000);
    expect(at.server.content).toBe("text, typed before and after");
  });

  test("shows what was typed to nobody who signs in instead", async () => {
    const at = bench("text");
    const session = await at.open("a", "ada");
    at.server.faults = [ENDED];
    write(session, ", typed by Ada");
    await at.pass(2_000);
    await at.crash();
    const other = await at.open("a", "bob");
    expect(other.content.value).toBe("text");
  });

  test("leaves a draft readable that was opened before", async () => {
    const at = bench("text");
    await at.open("a", "ada");
    await at.crash();
    at.server.faults = [ENDED];
    const session = await at.open("a", "ada");
    expect(session.content.value).toBe("text");
    expect(session.save.value).toEqual({ is: "signed-out" });
  });
});

describe("text that was not saved", () => {
  test("is on screen after a crash, and then saved", async () => {
    const at = bench("a");
    type(await at.open(), lines("a", "typed"));
    await at.crash();
    const session = await at.open();
    expect(session.content.value).toBe(lines("a", "typed"));
    expect(session.notice.value).toContain("restored");
    await at.pass(2_000);
    expect(at.server.content).toBe(lines("a", "typed"));
  });

  test("is merged with what was saved elsewhere since", async () => {
    const at = bench();
    const first = await at.open();
    write(first, ", short");
    first.edit({ name: "Mine" });
    await at.crash();
    at.server.apply({ draft_content: lines("Role", "", "focus", "", "style"), draft_description: "Theirs" });
    const session = await at.open();
    await at.pass(2_000);
    expect(at.server.content).toBe(lines("Role", "", "focus", "", "style, short"));
    expect(session.content.value).toBe(at.server.content);
    expect(at.server.draft).toMatchObject({ draft_name: "Mine", draft_description: "Theirs" });
  });

  test("of a tab that is no more comes into the next, once", async () => {
    const at = bench();
    write(await at.open("a"), ", short");
    await at.crash("a");
    const session = await at.open("b");
    expect(session.content.value).toMatch(/style, short$/);
    await at.pass(2_000);
    expect(at.server.content).toMatch(/style, short$/);
    type(session, "all anew");
    await at.pass(2_000);
    await at.crash("b");
    expect((await at.open("c")).content.value).toBe("all anew");
  });

  test("of a tab that lives is left to it", async () => {
    const at = bench();
    write(await at.open("a"), ", short");
    const session = await at.open("b");
    expect(session.content.value).toMatch(/style$/);
    expect(session.notice.value).toBeNull();
  });

  test("of someone else is not shown", async () => {
    const at = bench("a");
    type(await at.open("a", "ada"), "of Ada");
    await at.crash("a");
    expect((await at.open("b", "bob")).content.value).toBe("a");
  });

  test("of this tab survives a crash while another tab's is being chosen about", async () => {
    const at = bench("a");
    type(await at.open("a"), "of tab a");
    type(await at.open("b"), "of tab b");
    await at.crash("a");
    await at.crash("b");
    for (let reloads = 0; reloads < 3; reloads += 1) {
      const session = await at.open("a");
      const shown = JSON.stringify([session.conflict.value?.parts, session.content.value]);
      expect(shown).toContain("of tab a");
      expect(shown).toContain("of tab b");
      await at.crash("a");
    }
  });

  test("of a tab that is no more is taken over without a server, and not again later", async () => {
    const at = bench("a");
    type(await at.open("a"), lines("a", "typed"));
    await at.crash("a");
    at.server.isDown = true;
    const session = await at.open("b");
    expect(session.content.value).toBe(lines("a", "typed"));
    type(session, "a, rewritten");
    at.server.isDown = false;
    await at.pass(10_000);
    expect(at.server.content).toBe("a, rewritten");
    await at.crash("b");
    const again = await at.open("c");
    expect(again.conflict.value).toBeNull();
    expect(again.content.value).toBe("a, rewritten");
  });

  test("of several tabs opened without a server comes together when it is back", async () => {
    const at = bench();
    type(await at.open("a"), lines("role A", "", "focus", "", "style"));
    type(await at.open("b"), lines("role", "", "focus", "", "style B"));
    await at.crash("a");
    await at.crash("b");
    at.server.isDown = true;
    const session = await at.open("c");
    at.server.isDown = false;
    await at.pass(20_000);
    expect(at.server.content).toBe(lines("role A", "", "focus", "", "style B"));
    expect(session.content.value).toBe(at.server.content);
    expect(session.save.value.is).toBe("saved");
  });

  test("stays in the other tab's record until this tab's storage has it", async () => {
    const at = bench();
    write(await at.open("a"), ", short");
    await at.crash("a");
    const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    at.server.isDown = true;
    const session = await at.open("b");
    expect(session.isKept.value).toBe(false);
    await at.crash("b");
    put.mockRestore();
    at.server.isDown = false;
    expect((await at.open("c")).content.value).toMatch(/style, short$/);
  });
});

test("text that the browser's storage refuses is said to be on screen only, until it has it", async () => {
  const at = bench("a");
  const session = await at.open();
  const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  type(session, "ab");
  await at.pass(0);
  expect(session.isKept.value).toBe(false);
  put.mockRestore();
  type(session, "abc");
  await at.pass(0);
  expect(session.isKept.value).toBe(true);
});

test("a draft that was deleted elsewhere is said to be gone, and its text kept", async () => {
  const at = bench("a");
  const session = await at.open();
  type(session, "ab");
  at.server.draft = null;
  await at.pass(2_000);
  expect(session.save.value.is).toBe("gone");
  expect(session.content.value).toBe("ab");
  type(session, "abc");
  await at.crash();
  const again = await at.open();
  expect(again.save.value.is).toBe("gone");
  expect(again.content.value).toBe("abc");
});

describe("fields with a problem", () => {
  test("an invalid name doesn't hold the text back", async () => {
    const at = bench("a");
    const session = await at.open();
    session.edit({ name: "ab", content: "ab" });
    await at.pass(2_000);
    expect(at.server.draft).toMatchObject({ draft_name: "Brief", draft_content: "ab" });
    expect(session.save.value).toMatchObject({ is: "failed", why: expect.stringContaining("at least 3") });
    session.edit({ name: "abc" });
    await at.pass(2_000);
    expect(at.server.draft).toMatchObject({ draft_name: "abc" });
    expect(session.save.value.is).toBe("saved");
  });

  test("a text that is too long isn't sent, says by how much, and survives a crash", async () => {
    const at = bench("a");
    const long = "🧭".repeat(100_012);
    const session = await at.open();
    session.edit({ content: long, name: "Renamed" });
    await at.pass(2_000);
    expect(at.server.edits).toEqual([{ draft_name: "Renamed" }]);
    expect(session.save.value).toMatchObject({ is: "failed", why: expect.stringContaining("12 characters") });
    await at.crash();
    const again = await at.open();
    expect(again.content.value).toBe(long);
    type(again, "🧭".repeat(100_000));
    await at.pass(2_000);
    expect(again.save.value.is).toBe("saved");
  });

  test("control characters never reach the server", async () => {
    const at = bench("a");
    const session = await at.open();
    session.edit({
      content: "a\u0000b\u001b[31mc\n\td",
      name: "Weekly\u0000\nbrief",
      description: "x\u0007\ny",
    });
    await at.pass(2_000);
    expect(at.server.edits).toEqual([
      { draft_content: "ab[31mc\n\td", draft_name: "Weekly brief", draft_description: "x y" },
    ]);
    expect(session.save.value.is).toBe("saved");
  });
});

test("a text with carriage returns isn't changed by being opened", async () => {
  const at = bench("role\r\n\r\nstyle\r\n");
  const session = await at.open();
  expect(session.content.value).toBe(lines("role", "", "style", ""));
  await at.pass(60_000);
  expect(session.save.value.is).toBe("saved");
  expect(at.server.edits).toEqual([]);
  at.server.apply({ draft_content: "Role\r\n\r\nstyle\r\n" });
  write(session, "more");
  await at.pass(2_000);
  expect(at.server.content).toBe(lines("Role", "", "style", "more"));
});

test("a committed draft that is edited is a draft again", async () => {
  const at = bench("a");
  if (at.server.draft) at.server.draft.status = "committed";
  const session = await at.open();
  expect(session.status.value).toBe("committed");
  type(session, "ab");
  await at.pass(2_000);
  expect(session.status.value).toBe("draft");
  expect(session.save.value.is).toBe("saved");
});

test("leaving the view saves what is not saved", async () => {
  const at = bench("a");
  const session = await at.open();
  type(session, "ab");
  session.close();
  await at.pass(0);
  expect(at.server.content).toBe("ab");
});

test("a draft that is opened again while its last save is under way keeps what is typed then", async () => {
  const at = bench("a");
  const left = await at.open();
  let answer = (): void => {};
  at.server.gate = new Promise((resolve) => {
    answer = resolve;
  });
  type(left, lines("a", "b"));
  void left.close();
  await done();
  left.reopen();
  write(left, " typed");
  await done();
  answer();
  await at.crash();
  expect((await at.open()).content.value).toBe(lines("a", "b typed"));
});

const SEED = 4_711;

describe(`whatever happens (seed ${SEED})`, () => {
  const HISTORIES = 300;
  const TABS = ["a", "b"];

  test("nothing typed is lost", async () => {
    for (let round = 0; round < HISTORIES; round += 1) await history(SEED + round);
  }, 120_000);

  async function history(seed: number): Promise<void> {
    const { below, of } = chance(seed);
    const at = new Bench(`history-${seed}`, lines("one", "", "two", "", "three"), "histories");
    const typed = new Set<string>();
    const story: string[] = [];
    const about = (): string => JSON.stringify({ seed, story, typed: [...typed] });
    let named = 0;

    /** "Saved" is true: the server has what is on screen. */
    const check = (): void => {
      for (const [tab, session] of at.sessions) {
        if (session.save.value.is !== "saved" || session.opening.value.is !== "open") continue;
        const base = session.base.value;
        expect(session.content.value, `${tab} ${about()}`).toBe(base?.draft_content);
        if (base?.revision === at.server.draft?.revision) {
          expect(session.content.value, `${tab} ${about()}`).toBe(at.server.content);
        }
      }
    };

    const decide = (session: DraftSession): void => {
      const places = session.conflict.value?.parts.filter(isConflict).length ?? 0;
      session.choose(Array.from({ length: places }, (): Choice => "both"));
    };

    const step = async (): Promise<void> => {
      const tab = of(TABS);
      const session = at.sessions.get(tab);
      if (!session) {
        story.push(`open ${tab}`);
        await at.open(tab);
        return;
      }
      const what = below(12);
      // The editor is out of reach while a conflict is shown.
      if (what < 5 && session.opening.value.is === "open" && !session.conflict.value) {
        named += 1;
        const token = `<${tab}${named}>`;
        typed.add(token);
        const all = session.content.value.split("\n");
        const place = below(all.length);
        const isOwnLine = below(2) === 0;
        story.push(`${tab} types ${token} ${isOwnLine ? "before" : "into"} ${place}`);
        const next = isOwnLine ? all.toSpliced(place, 0, token) : all.with(place, `${all[place]}${token}`);
        session.edit({ content: next.join("\n") });
      } else if (what < 7) {
        const ms = of([100, 1_000, 2_500, 20_000]);
        story.push(`pass ${ms}`);
        await at.pass(ms);
      } else if (what === 7) {
        const fault = of([
          "unreached",
          "lost",
          "lost",
          { status: 429, retryAfter: 5 },
          { status: 503 },
        ] as const);
        story.push(`fault ${JSON.stringify(fault)}`);
        at.server.faults.push(fault);
      } else if (what === 8) {
        at.server.isDown = !at.server.isDown;
        story.push(at.server.isDown ? "down" : "up");
      } else if (what === 9) {
        story.push(`crash ${tab}`);
        await at.crash(tab);
      } else if (what === 10) {
        story.push(`${tab} saves`);
        void session.saveNow();
      } else if (session.conflict.value) {
        story.push(`${tab} chooses`);
        decide(session);
      }
      check();
    };

    await at.open("a");
    for (let steps = 0; steps < 24; steps += 1) await step();

    // All is well again; whoever crashed comes back, and conflicts are decided.
    at.server.isDown = false;
    at.server.faults = [];
    for (const tab of TABS) if (!at.sessions.has(tab)) await at.open(tab);
    for (let turn = 0; turn < 8; turn += 1) {
      for (const session of at.sessions.values()) {
        session.wake();
        decide(session);
        await at.pass(5_000);
        check();
      }
    }
    await at.pass(120_000);
    for (const [tab, session] of at.sessions) {
      expect(session.save.value.is, `${tab} ${about()}`).toBe("saved");
    }
    for (const token of typed) expect(at.server.content, `${token} ${about()}`).toContain(token);
  }
});
