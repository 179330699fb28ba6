/** The frame of every view: where one can go, which model answers, and what is said in passing. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
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

export function Shell({ children }: { children: ComponentChildren }) {
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
        <nav aria-label="Views">
          {PLACES.map((place) => (
            <a key={place.to} href={place.to} aria-current={place.at.test(path.value) ? "page" : undefined}>
              {place.label}
            </a>
          ))}
        </nav>
        {user !== "" && <span class="end">as {user}</span>}
      </header>
      {children}
      <Toasts />
    </div>
  );
}

/**
 * An ordinary view: its heading, which is also the window's title and takes the
 * focus when one arrives, and a sentence about it.
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
  useTitle(title);
  return (
    <main class="page" id="main" tabIndex={-1}>
      <header>
        <h1>{title}</h1>
        {lead && <p>{lead}</p>}
      </header>
      {children}
    </main>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "Prompt Workshop" : `${title} · Prompt Workshop`;
  }, [title]);
}
