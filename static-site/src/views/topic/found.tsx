/** An article that was found, and why. What it says is someone else's text: shown as text, and nothing but. */
import { Trash2 } from "lucide-preact";
import { useMemo } from "preact/hooks";
import { marked } from "../../rules/marking";
import { why } from "../../rules/search";
import { webAddress } from "../../rules/topics";
import { count, date, exact } from "../../rules/when";
import type { FoundArticle } from "../../server";

export function FoundItem({
  article,
  byMeaning,
  onDelete,
}: {
  article: FoundArticle;
  byMeaning: boolean;
  /** Asks whether it is to be deleted, where one may. */
  onDelete: (() => void) | undefined;
}) {
  const address = webAddress(article.url);
  const words = article.matched_words;
  const reason = why(article, byMeaning);
  const similar = article.similar ?? [];
  const alsoAt = article.also_at ?? [];
  return (
    <li>
      <div class="heading">
        <h3>
          <Linked url={article.url}>
            <Marked text={article.title} words={words} />
          </Linked>
        </h3>
        {onDelete && (
          <button
            type="button"
            class="plain danger"
            aria-label={`Delete: ${article.title}`}
            title="Delete this article"
            onClick={onDelete}
          >
            <Trash2 class="icon" aria-hidden="true" />
          </button>
        )}
      </div>
      <p class="facts quiet small number">
        <span>{article.source ?? address?.host ?? ""}</span>
        <time dateTime={article.published_at} title={exact(article.published_at)}>
          {date(article.published_at)}
        </time>
        {article.category && <span>{article.category}</span>}
        {article.sentiment && <span>{article.sentiment}</span>}
        {article.sample && <span>invented sample</span>}
      </p>
      {article.summary && (
        <p class="summary">
          <Marked text={article.summary} words={words} />
        </p>
      )}
      {(reason !== "" || alsoAt.length > 0) && (
        <p class="facts quiet small number">
          {reason !== "" && <span>{reason}</span>}
          {alsoAt.length > 0 && <AlsoAt urls={alsoAt} />}
        </p>
      )}
      {article.text && (
        <details>
          <summary>{article.summary ? "Full text" : "Text"}</summary>
          <p class="full">{article.text}</p>
        </details>
      )}
      {similar.length > 0 && (
        <details>
          <summary>{count(similar.length, "similar report")}</summary>
          <ul>
            {similar.map((one) => (
              <li key={one.url}>
                <Linked url={one.url}>{one.title}</Linked>{" "}
                <span class="quiet small number">
                  {one.source ?? webAddress(one.url)?.host ?? ""}, {date(one.published_at)}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

function Linked({ url, children }: { url: string; children: preact.ComponentChildren }) {
  const address = webAddress(url);
  if (!address) return <>{children}</>;
  return (
    <a href={address.href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

function Marked({ text, words }: { text: string; words: readonly string[] }) {
  const spans = useMemo(() => marked(text, words), [text, words]);
  return <>{spans.map((span, at) => (span.isMarked ? <mark key={at}>{span.text}</mark> : span.text))}</>;
}

/** Other addresses of the same story, by their hosts. */
function AlsoAt({ urls }: { urls: readonly string[] }) {
  return (
    <span>
      Also at{" "}
      {urls.map((url, at) => (
        <span key={url}>
          {at > 0 && ", "}
          <Linked url={url}>{webAddress(url)?.host ?? url}</Linked>
        </span>
      ))}
    </span>
  );
}
