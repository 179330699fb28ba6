/** A file's first rows, with what each column is taken for, to be changed by hand. */
import { Working } from "../../parts/notice";
import { FIELDS, type Field, fieldName, kindOf } from "../../rules/imports";
import type { DateOrder, Preview } from "../../server";
import { type Looking, sayColumn, sayDates } from "./looking";

export function FirstRows({ now, wrong }: { now: Looking; wrong: string }) {
  const { preview, state } = now;
  if (state === "unseen")
    return (
      <p class="hint">
        This workbook is too large to be shown here: its columns are taken by their names. Its result says
        what was passed over.
      </p>
    );
  if (!preview) return state === "looking" ? <Working>Looking at its first lines</Working> : null;
  return (
    <section class="first-rows" aria-labelledby="first-rows-heading" aria-busy={state === "looking"}>
      <h4 id="first-rows-heading">What its columns are</h4>
      <p class="hint">
        It is {kindOf(preview)}
        {preview.above > 0 && ", with lines above its columns' names that are passed over"}. Change what is
        taken wrongly.
      </p>
      <Rows preview={preview} />
      {preview.ambiguous_date && (
        <Dates date={preview.ambiguous_date} known={preview.dates} said={now.dates} />
      )}
      {wrong !== "" && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
    </section>
  );
}

function Rows({ preview: { columns, rows } }: { preview: Preview }) {
  return (
    <section class="scroll" aria-label="First rows" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ name, taken_as }, at) => (
              <th key={`${at}:${name}`} scope="col" class={taken_as ? "" : "passed"}>
                <span class="name">{name === "" ? "(no name)" : name}</span>
                {name !== "" && (
                  <select
                    aria-label={`“${name}” is`}
                    value={taken_as ?? "-"}
                    onChange={(event) => sayColumn(name, event.currentTarget.value as Field | "-")}
                  >
                    <option value="-">Not imported</option>
                    {FIELDS.map(([field, label]) => (
                      <option key={field} value={field}>
                        {label}
                      </option>
                    ))}
                  </select>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {columns.map(({ name, taken_as }, column) => (
                <td key={`${column}:${name}`} class={taken_as ? "" : "passed"}>
                  {row[column]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const ORDERS: readonly (readonly [DateOrder, string])[] = [
  ["day-first", "The day is first"],
  ["month-first", "The month is first"],
];

function Dates({
  date,
  known,
  said,
}: {
  date: string;
  known: DateOrder | null | undefined;
  said: DateOrder | undefined;
}) {
  const order = said ?? known;
  return (
    <fieldset class="dates">
      <legend>
        “{date}” could be two dates{known ? "; other dates of the file show which" : ""}
      </legend>
      {ORDERS.map(([value, label]) => (
        <label key={value}>
          <input
            type="radio"
            name="import-dates"
            value={value}
            checked={order === value}
            onChange={() => sayDates(value)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

/** What is still to be said before the file can be imported; empty when nothing is. */
export function unsaid({ preview, dates }: Looking): string {
  if (!preview) return "";
  const [missing] = preview.missing;
  if (missing) return `Choose which column is the ${fieldName(missing as Field).toLowerCase()}.`;
  if (preview.ambiguous_date && !dates && !preview.dates)
    return `Choose whether “${preview.ambiguous_date}” begins with the day or the month.`;
  return "";
}
