/** One prompt of the library: its text, its versions and what changed between them. */
import { useSignal } from "@preact/signals";
import { Copy as CopyIcon, CopyPlus, Trash2 } from "lucide-preact";
import { copy } from "../parts/copy";
import { DiffSize, DiffView } from "../parts/diff-view";
import { useLoad } from "../parts/load";
import { Failed, Notice, Working } from "../parts/notice";
import { query } from "../parts/router";
import { clonePath, promptPath, versionOf } from "../rules/library";
import { length, tokens } from "../rules/text";
import { count, date, exact } from "../rules/when";
import { type FullPrompt, getPrompt, Refused } from "../server";
import { Page } from "../shell";
import { DeletePrompt } from "./library/delete-prompt";
import { Versions } from "./library/versions";
import "../styles/library.css";

export function LibraryPrompt({ name }: { name: string }) {
  return <OnePrompt key={name} name={name} />;
}

function OnePrompt({ name }: { name: string }) {
  const version = versionOf(query.value.get("version"));
  const loaded = useLoad(() => getPrompt(name, version), [name, version]);
  const prompt = loaded.data.value;
  const error = loaded.error.value;

  if (error instanceof Refused && error.status === 404) {
    return <NotThere name={name} version={version} />;
  }
  if (!prompt) {
    return (
      <Page title={name}>
        {error === undefined ? (
          <Working>Loading the prompt</Working>
        ) : (
          <Failed error={error} retry={loaded.reload} />
        )}
      </Page>
    );
  }
  return (
    <Page title={prompt.title} lead={prompt.description}>
      <Shown prompt={prompt} />
      {loaded.loading.value && <Working>Loading version {version ?? "the newest"}</Working>}
      {error !== undefined && <Failed error={error} retry={loaded.reload} />}
    </Page>
  );
}

function Shown({ prompt }: { prompt: FullPrompt }) {
  const deleting = useSignal(false);
  const newest = prompt.version === prompt.newest_version;
  const against = versionOf(query.value.get("against"));
  const compared = against !== undefined && against !== prompt.version ? against : undefined;
  return (
    <div class="library-prompt">
      <div class="head">
        <p class="facts quiet small number">
          <span class="mono">{prompt.name}</span>
          <span>
            Version {prompt.version}
            {newest ? "" : ` of ${prompt.newest_version}`}
          </span>
          <span>
            First committed{" "}
            <time dateTime={prompt.created_at} title={exact(prompt.created_at)}>
              {date(prompt.created_at)}
            </time>
          </span>
          <span>
            Last changed{" "}
            <time dateTime={prompt.updated_at} title={exact(prompt.updated_at)}>
              {date(prompt.updated_at)}
            </time>
          </span>
          <span>{count(prompt.clone_count, "clone")}</span>
          {prompt.is_default && <span class="mark">Ships with the workshop</span>}
          {prompt.is_own && <span class="mark">Yours</span>}
        </p>
        <div class="row">
          <a class="button primary" href={clonePath(prompt.name)}>
            <CopyPlus class="icon" aria-hidden="true" />
            Clone into a draft
          </a>
          <button type="button" onClick={() => void copy(prompt.content)}>
            <CopyIcon class="icon" aria-hidden="true" />
            Copy the text
          </button>
          {prompt.is_own && !prompt.is_default && (
            <button
              type="button"
              class="plain danger"
              onClick={() => {
                deleting.value = true;
              }}
            >
              <Trash2 class="icon" aria-hidden="true" />
              Delete
            </button>
          )}
        </div>
        {!newest && (
          <Notice
            kind="warn"
            actions={<a href={promptPath(prompt.name)}>See version {prompt.newest_version}</a>}
          >
            This is version {prompt.version}; the newest is version {prompt.newest_version}. A clone always
            takes the newest.
          </Notice>
        )}
      </div>

      <section class="text" aria-labelledby="text-heading">
        {compared === undefined ? (
          <>
            <header class="row spread">
              <h2 id="text-heading">Text</h2>
              <p class="quiet small number">
                {count(length(prompt.content), "character")}, about {count(tokens(prompt.content), "token")}
              </p>
            </header>
            <pre class="prompt-text">{prompt.content}</pre>
          </>
        ) : (
          <Changes key={`${prompt.version}:${compared}`} prompt={prompt} against={compared} />
        )}
      </section>

      <aside>
        <Versions prompt={prompt} against={compared} />
        <Embed name={prompt.name} />
      </aside>

      {deleting.value && (
        <DeletePrompt
          prompt={prompt}
          onClose={() => {
            deleting.value = false;
          }}
        />
      )}
    </div>
  );
}

/** What changed from the older of two versions to the newer one. */
function Changes({ prompt, against }: { prompt: FullPrompt; against: number }) {
  const loaded = useLoad(() => getPrompt(prompt.name, against), [prompt.name, against]);
  const other = loaded.data.value;
  const [from, to] = against < prompt.version ? [against, prompt.version] : [prompt.version, against];
  const [before, after] =
    against < prompt.version ? [other?.content, prompt.content] : [prompt.content, other?.content];
  return (
    <>
      <header class="row spread">
        <h2 id="text-heading">
          Changes from version {from} to {to}
        </h2>
        {before !== undefined && after !== undefined && <DiffSize before={before} after={after} />}
      </header>
      {loaded.error.value !== undefined && <Failed error={loaded.error.value} retry={loaded.reload} />}
      {loaded.loading.value && <Working>Loading version {against}</Working>}
      {before !== undefined && after !== undefined && <DiffView before={before} after={after} />}
    </>
  );
}

/** The address that other applications link to. */
function Embed({ name }: { name: string }) {
  const address = new URL(clonePath(name), location.origin).href;
  return (
    <section>
      <h2>Link from elsewhere</h2>
      <p class="address mono">{address}</p>
      <button type="button" onClick={() => void copy(address)}>
        <CopyIcon class="icon" aria-hidden="true" />
        Copy the link
      </button>
      <p class="hint">
        Put this address behind a button in any application. Whoever follows it gets a new draft here with the
        newest text of this prompt. The address stays the same from version to version.
      </p>
    </section>
  );
}

function NotThere({ name, version }: { name: string; version: number | undefined }) {
  if (version !== undefined) {
    return (
      <Page
        title={`No version ${version} here`}
        lead={`Either “${name}” isn't in the library, or it has fewer versions than that.`}
      >
        <p class="row">
          <a class="button" href={promptPath(name)}>
            See its newest version
          </a>
          <a href="/library">Go to the library</a>
        </p>
      </Page>
    );
  }
  return (
    <Page
      title="Not in the library"
      lead={`No prompt is called “${name}”. Its owner may have deleted it, or the address is mistyped.`}
    >
      <p class="empty">
        Drafts that were cloned from it keep their text: deleting a prompt never takes anything from them.
      </p>
      <p class="row">
        <a class="button" href="/library">
          Go to the library
        </a>
        <a href={`/library?q=${encodeURIComponent(name.replaceAll("_", " "))}`}>
          Search for something like it
        </a>
      </p>
    </Page>
  );
}
