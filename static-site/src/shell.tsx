/** The frame of every view: where one can go, which model answers, and what is said in passing. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { path } from "./parts/router";
import { Toasts } from "./parts/toasts";
import { identity } from "./server";

const PLACES = [
  { to: "/", label: "Drafts", at: /^\/(?:prompt-workshop)?$/ },
  { to: "/library", label: "Library", at: /^\/library/ },
  { to: "/topics", label: "Topics", at: /^\/topics/ },
  { to: "/dashboard", label: "Dashboard", at: /^\/dashboard/ },
  { to: "/settings", label: "Settings", at: /^\/settings/ },
];

/**
 * `account` is who is signed in, `standing` what is said about it above every
 * view. `isClosed` while there is nowhere to go yet.
 */
export function Shell({
  account,
  standing,
  isClosed = false,
  children,
}: {
  account?: ComponentChildren;
  standing?: ComponentChildren;
  isClosed?: boolean;
  children: ComponentChildren;
}) {
  const user = identity.user();
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <a class="mark" href="/" aria-label="Prompt Workshop">
          <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
            <rect width="32" height="32" rx="6" fill="var(--accent)" />
            <path
              d="M9 10l6 6-6 6M17 23h7"
              fill="none"
              stroke="var(--accent-ink)"
              stroke-width="3"
              stroke-linecap="round"
              stroke-linejoin="round"
            />
          </svg>
          <span>Prompt Workshop</span>
        </a>
        {!isClosed && (
          <nav aria-label="Views">
            {PLACES.map((place) => (
              <a key={place.to} href={place.to} aria-current={place.at.test(path.value) ? "page" : undefined}>
                {place.label}
              </a>
            ))}
          </nav>
        )}
        {account ?? (user !== "" && <span class="end">as {user}</span>)}
      </header>
      {standing}
      {children}
      <Toasts />
    </div>
  );
}

/**
 * An ordinary view: its heading, which is also the window's title, and a
 * sentence about it.
 */
export function Page({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: ComponentChildren;
  children: ComponentChildren;
}) {
  const main = useRef<HTMLElement>(null);
  useTitle(title);
  useArrival(main);
  return (
    <main class="page" id="main" tabIndex={-1} ref={main}>
      <header>
        <h1>{title}</h1>
        {lead && <p>{lead}</p>}
      </header>
      {children}
    </main>
  );
}

let isFirstView = true;

/**
 * The link that led here is gone, and the focus with it: it goes to what came
 * in its place. On the first view it stays where the browser puts it.
 */
export function useArrival(main: { current: HTMLElement | null }): void {
  useEffect(() => {
    if (isFirstView) isFirstView = false;
    else if (document.activeElement === document.body) main.current?.focus({ preventScroll: true });
  }, []);
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "Prompt Workshop" : `${title} · Prompt Workshop`;
  }, [title]);
}
