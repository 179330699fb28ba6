/** A small plot of daily bars. Pointing at a day, or going to it with the arrow keys, shows its value. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { bars, type DayValue, inWords, longDay, shortDay, type Unit } from "../rules/figures";

const HEIGHT = 64;

export function Plot({
  title,
  total,
  days,
  unit,
}: {
  title: string;
  /** What stands beside the title while no day is pointed at. */
  total: string;
  days: readonly DayValue[];
  unit: Unit;
}) {
  const field = useRef<SVGSVGElement>(null);
  const width = useSignal(0);
  const at = useSignal<number | undefined>(undefined);

  // Bars on whole pixels stay crisp, which a stretched drawing would not.
  useLayoutEffect(() => {
    const drawn = field.current;
    if (!drawn) return;
    const sizes = new ResizeObserver(([entry]) => {
      width.value = Math.floor(entry?.contentRect.width ?? 0);
    });
    sizes.observe(drawn);
    return () => sizes.disconnect();
  }, []);

  const values = days.map((day) => day.value);
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  const drawn = width.value > 0 ? bars(values, width.value, HEIGHT) : [];
  const day = at.value === undefined ? undefined : days[at.value];
  const [first, last] = [days[0], days.at(-1)];

  const point = (event: PointerEvent & { currentTarget: SVGSVGElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * days.length);
    at.value = Math.min(days.length - 1, Math.max(0, place));
  };
  const move = (event: KeyboardEvent): void => {
    const end = days.length - 1;
    const now = at.value ?? end;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: end }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    at.value = Math.min(end, Math.max(0, to));
  };

  return (
    <figure class="plot">
      <figcaption>
        <h3>{title}</h3>
        <span class="number" aria-live="polite">
          {day ? `${longDay(day.date)}: ${day.value === null ? "none" : unit.full(day.value)}` : total}
        </span>
      </figcaption>
      <div class="field">
        <span class="most number">{most > 0 ? unit.axis(most) : ""}</span>
        <span class="least number">0</span>
        <svg
          ref={field}
          role="img"
          aria-label={inWords(title, days, unit)}
          tabIndex={0}
          height={HEIGHT}
          onPointerMove={point}
          onPointerLeave={() => {
            at.value = undefined;
          }}
          onFocus={() => {
            at.value ??= days.length - 1;
          }}
          onBlur={() => {
            at.value = undefined;
          }}
          onKeyDown={move}
        >
          {drawn.map((bar, index) => (
            <g key={days[index]?.date} class={index === at.value ? "here" : ""}>
              <rect class="day" x={bar.x} y={0} width={bar.width} height={HEIGHT} />
              <rect class="bar" x={bar.x} y={HEIGHT - bar.height} width={bar.width} height={bar.height} />
            </g>
          ))}
        </svg>
        <span class="ends number">
          <span>{first && shortDay(first.date)}</span>
          <span>{last && shortDay(last.date)}</span>
        </span>
      </div>
    </figure>
  );
}
