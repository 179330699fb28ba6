/** What a file of articles looks like, with an example to begin from. */
import { Download } from "lucide-preact";
import { useEffect, useMemo } from "preact/hooks";

const FIELDS = [
  { name: "title", what: "up to 300 characters", needed: true },
  { name: "url", what: "http or https; the same address is the same article", needed: true },
  { name: "summary", what: "up to 5,000 characters; the title when there is no text either", needed: false },
  { name: "text", what: "up to 50,000 characters", needed: false },
  { name: "source", what: "the outlet's name", needed: false },
  {
    name: "published_at",
    what: "a date in any common form; the time of import when absent, and that is said",
    needed: false,
  },
  { name: "category", what: "such as Regulation", needed: false },
  { name: "sentiment", what: "positive, neutral, critical or negative", needed: false },
  { name: "tags", what: "a list; in a table with ; | or , between them", needed: false },
  { name: "language", what: "such as en", needed: false },
];

const JSON_LINES = `${[
  {
    title: "Survey: two in five firms tried AI this year",
    url: "https://news.example.com/survey-2026",
    summary: "Of 1,200 firms asked, 41 per cent had tried AI, and 9 per cent had kept it.",
    source: "Example Times",
    published_at: "2026-11-18",
    sentiment: "neutral",
    tags: ["survey", "adoption"],
  },
  {
    title: "A bank turns its chatbot off",
    url: "https://news.example.com/bank-chatbot",
    summary: "It cost more in corrections than it saved in calls, the bank says.",
  },
]
  .map((article) => JSON.stringify(article))
  .join("\n")}\n`;

const CSV = `title,url,summary,published_at,tags
"Survey: two in five firms tried AI this year",https://news.example.com/survey-2026,"Of 1,200 firms asked, 41 per cent had tried AI.",2026-11-18,survey;adoption
A bank turns its chatbot off,https://news.example.com/bank-chatbot,"It cost more than it saved, the bank says.",,
`;

export function FileFormat() {
  return (
    <div class="format">
      <h3>What the file holds</h3>
      <p>
        Any export that has titles and addresses: a <strong>table</strong> with commas, semicolons or tabs, an{" "}
        <strong>.xlsx</strong> workbook, <strong>JSON</strong> with articles somewhere in it, or{" "}
        <strong>JSON Lines</strong>. Columns are known by their common names, such as headline, link and
        description; what isn't known is passed over. A line with a mistake is left out and named; the others
        go in.
      </p>
      <dl class="fields">
        {FIELDS.map((field) => (
          <div key={field.name}>
            <dt class="mono">{field.name}</dt>
            <dd>
              {field.what}
              {field.needed && <span class="needed"> (needed)</span>}
            </dd>
          </div>
        ))}
      </dl>
      <h3>For example</h3>
      <section class="scroll" aria-label="Example of JSON Lines" tabIndex={0}>
        <pre>{JSON_LINES}</pre>
      </section>
      <p class="row">
        <Example text={JSON_LINES} type="application/x-ndjson" name="articles.jsonl" />
        <Example text={CSV} type="text/csv" name="articles.csv" />
      </p>
    </div>
  );
}

function Example({ text, type, name }: { text: string; type: string; name: string }) {
  const address = useMemo(() => URL.createObjectURL(new Blob([text], { type })), [text, type]);
  useEffect(() => () => URL.revokeObjectURL(address), [address]);
  return (
    <a href={address} download={name} class="with-icon">
      <Download class="icon" aria-hidden="true" />
      {name}
    </a>
  );
}
