import { describe, expect, test } from "vitest";
import {
  cognitoSignOut,
  isFinal,
  isReturn,
  nameOf,
  reasonOf,
  renewAt,
  retryAfter,
  returnPath,
} from "./sign-in";

const ORIGIN = "https://workshop.example";
const at = (path: string): URL => new URL(path, ORIGIN);
const refusal = (error: string): Error => Object.assign(new Error(error), { error });

describe("the way back", () => {
  test("is recognised by what the provider adds to the first view's address", () => {
    expect(isReturn(at("/?code=a&state=b"))).toBe(true);
    expect(isReturn(at("/?error=access_denied&state=b"))).toBe(true);
    expect(isReturn(at("/?error=invalid_request"))).toBe(true);
  });

  test("isn't any other address with such words in it", () => {
    expect(isReturn(at("/"))).toBe(false);
    expect(isReturn(at("/?code=a"))).toBe(false);
    expect(isReturn(at("/prompt-workshop?code=a&state=b"))).toBe(false);
    expect(isReturn(at("/prompt-workshop?clone=weekly_brief"))).toBe(false);
  });

  test("leads to the address that was asked for, with everything in it", () => {
    for (const to of ["/prompt-workshop?clone=a%20b&topic=AI", "/library/weekly_brief?version=2", "/#main"]) {
      expect(returnPath({ to }, ORIGIN)).toBe(to);
    }
  });

  test("never leads to another site, nor round in a circle", () => {
    for (const to of [
      "https://evil.example/",
      "//evil.example/x",
      "/\\evil.example",
      "javascript:alert(1)",
    ]) {
      expect(returnPath({ to }, ORIGIN)).toBe("/");
    }
    expect(returnPath({ to: "/?code=a&state=b" }, ORIGIN)).toBe("/");
    expect(returnPath({ to: 7 }, ORIGIN)).toBe("/");
    expect(returnPath(undefined, ORIGIN)).toBe("/");
  });
});

test("a person is called by their address, or else by the name they sign in with", () => {
  expect(nameOf({ sub: "1", email: "ada@example.com", "cognito:username": "ada" })).toBe("ada@example.com");
  expect(nameOf({ sub: "1", email: "", "cognito:username": "ada" })).toBe("ada");
  expect(nameOf({ sub: "1", username: "ada" })).toBe("ada");
  expect(nameOf({ sub: "1" })).toBe("1");
});

describe("a renewal", () => {
  test("is asked for a minute before the token expires", () => {
    expect(renewAt(0, 3_600_000)).toBe(3_540_000);
  });

  test("is asked for half-way in the life of a short token", () => {
    expect(renewAt(10_000, 70_000)).toBe(40_000);
    expect(renewAt(10_000, 10_000)).toBe(10_000);
  });

  test("without an answer is repeated ever more rarely, and never given up", () => {
    expect([1, 2, 3, 4, 5, 100].map(retryAfter)).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  test("is refused for good only by what the standard says can't pass", () => {
    for (const code of ["invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"]) {
      expect(isFinal(refusal(code))).toBe(true);
    }
    for (const error of [
      refusal("temporarily_unavailable"),
      refusal("server_error"),
      refusal("too_many_requests"),
      new TypeError("Failed to fetch"),
      new Error("Bad Gateway (502)"),
      "invalid_grant",
    ]) {
      expect(isFinal(error)).toBe(false);
    }
  });
});

test("what went wrong on the way back is told apart", () => {
  expect(reasonOf(refusal("access_denied"), "access_denied")).toBe("denied");
  expect(reasonOf(refusal("invalid_request"), "invalid_request")).toBe("failed");
  expect(reasonOf(refusal("invalid_grant"), null)).toBe("unfinished");
  expect(reasonOf(new Error("No matching state found in storage"), null)).toBe("unfinished");
  expect(reasonOf(new TypeError("Failed to fetch"), null)).toBe("unreachable");
  expect(reasonOf(Object.assign(new Error("late"), { name: "ErrorTimeout" }), null)).toBe("unreachable");
  expect(reasonOf(refusal("server_error"), null)).toBe("failed");
});

test("Cognito is told where to come back to in its own words", () => {
  expect(cognitoSignOut("https://x.example/logout", "client 1", "https://workshop.example/")).toBe(
    "https://x.example/logout?client_id=client+1&logout_uri=https%3A%2F%2Fworkshop.example%2F",
  );
});
