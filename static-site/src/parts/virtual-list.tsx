/**
 * A long list of rows of one height, of which only those in sight are in the
 * document. It scrolls in the nearest element that does.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Rows kept above and below what is in sight, so that a quick scroll shows no gap. */
const MARGIN = 10;

function scrollerOf(element: HTMLElement): HTMLElement {
  for (let at = element.parentElement; at; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return document.documentElement;
}

export function VirtualList<T>({
  label,
  items,
  total,
  rowHeight,
  keyOf,
  row,
  onNearEnd,
}: {
  label: string;
  items: readonly T[];
  /** How many there are beyond those that are loaded; unknown when absent. */
  total?: number | undefined;
  rowHeight: number;
  keyOf: (item: T) => string;
  row: (item: T) => ComponentChildren;
  /** Called when the end of what is loaded comes into sight. */
  onNearEnd: () => void;
}) {
  const list = useRef<HTMLOListElement>(null);
  const from = useSignal(0);
  const to = useSignal(40);
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const scroller = scrollerOf(element);
    const target: HTMLElement | Window = scroller === document.documentElement ? window : scroller;
    const measure = (): void => {
      const above = scroller.getBoundingClientRect().top - element.getBoundingClientRect().top;
      const top = scroller === document.documentElement ? -element.getBoundingClientRect().top : above;
      const first = Math.floor(top / rowHeight);
      const visible = Math.ceil(scroller.clientHeight / rowHeight);
      from.value = Math.max(0, first - MARGIN);
      to.value = Math.max(0, first) + visible + MARGIN;
      if (to.value >= items.length) onNearEnd();
    };
    measure();
    target.addEventListener("scroll", measure, { passive: true });
    const resized = new ResizeObserver(measure);
    resized.observe(scroller);
    return () => {
      target.removeEventListener("scroll", measure);
      resized.disconnect();
    };
  }, [items.length, rowHeight]);
  const shown = items.slice(from.value, to.value);
  return (
    <ol class="virtual" ref={list} aria-label={label} style={{ height: `${items.length * rowHeight}px` }}>
      {shown.map((item, index) => (
        <li
          key={keyOf(item)}
          aria-setsize={total ?? -1}
          aria-posinset={from.value + index + 1}
          style={{ transform: `translateY(${(from.value + index) * rowHeight}px)`, height: `${rowHeight}px` }}
        >
          {row(item)}
        </li>
      ))}
    </ol>
  );
}
