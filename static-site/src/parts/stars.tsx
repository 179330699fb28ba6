/** A rating of one to five, given, changed and taken back. */
import { Star } from "lucide-preact";

const RATINGS = [1, 2, 3, 4, 5] as const;
const MEANING = ["useless", "poor", "usable", "good", "excellent"];

export function Stars({
  name,
  value,
  onChange,
}: {
  name: string;
  value: number | null;
  onChange: (value: number | null) => void;
}) {
  return (
    <fieldset class="row">
      <legend class="visually-hidden">Rating</legend>
      <span class="stars">
        {RATINGS.map((rating) => (
          <label key={rating} class={value !== null && rating <= value ? "lit" : ""}>
            <input
              type="radio"
              name={name}
              checked={rating === value}
              onChange={() => onChange(rating)}
              aria-label={`${rating} of 5: ${MEANING[rating - 1]}`}
            />
            <Star class="icon" aria-hidden="true" />
          </label>
        ))}
      </span>
      {value === null ? (
        <span class="quiet small">Not rated</span>
      ) : (
        <button type="button" class="link small" onClick={() => onChange(null)}>
          Take back
        </button>
      )}
    </fieldset>
  );
}

/** A rating to look at only. */
export function LitStars({ value }: { value: number }) {
  return (
    <span class="lit-stars" role="img" aria-label={`rated ${value} of 5`}>
      {"★".repeat(value)}
    </span>
  );
}
