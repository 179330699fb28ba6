/** The collections of articles that prompts are tested on, and the way more come in. */
import { useEffect } from "preact/hooks";
import { useLoad } from "../parts/load";
import { Failed, Working } from "../parts/notice";
import { publishedSpan, topicPath } from "../rules/topics";
import { number } from "../rules/when";
import { listTopics, type Topic } from "../server";
import { Page } from "../shell";
import { FileFormat } from "./topics/file-format";
import { FollowInto } from "./topics/follow-into";
import { ImportForm } from "./topics/import-form";
import { ImportProgress } from "./topics/import-progress";
import { importing, isRunning } from "./topics/importing";
import { takeUp } from "./topics/uploading";
import "../styles/topics.css";

export function Topics() {
  const loaded = useLoad(listTopics);
  const topics = loaded.data.value;

  // An import that the server is at goes on when the page is left and come back to.
  useEffect(() => void takeUp(), []);

  // What was imported shows in the counts, whether the import went to its end or not.
  const state = importing.value?.state;
  useEffect(() => {
    if (state !== undefined && !isRunning()) void loaded.reload();
  }, [state]);

  return (
    <Page
      title="Topics"
      lead="A topic is a named collection of articles. A test gives its question to one topic, and the model the articles that were found."
    >
      <section aria-label="All topics">
        {loaded.error.value !== undefined && <Failed error={loaded.error.value} retry={loaded.reload} />}
        {!topics && loaded.loading.value && <Working>Loading the topics</Working>}
        {topics && topics.length > 0 && <List topics={topics} />}
        {topics && topics.length === 0 && (
          <div class="empty">
            <h2>No topic yet</h2>
            <p>Import a file of articles or follow a feed below: it makes the topic that you name.</p>
          </div>
        )}
      </section>

      <section aria-labelledby="add-heading">
        <h2 id="add-heading">Add articles</h2>
        <div class="add">
          <div class="stack">
            <h3>From a file</h3>
            <ImportForm topics={topics ?? []} />
            <ImportProgress />
            <h3>From a feed</h3>
            <FollowInto />
          </div>
          <FileFormat />
        </div>
      </section>
    </Page>
  );
}

function List({ topics }: { topics: readonly Topic[] }) {
  return (
    <table class="topics">
      <thead>
        <tr>
          <th scope="col">Topic</th>
          <th scope="col" class="figure">
            Articles
          </th>
          <th scope="col">Published</th>
        </tr>
      </thead>
      <tbody>
        {topics.map((topic) => (
          <tr key={topic.name}>
            <th scope="row">
              <a href={topicPath(topic.name)}>{topic.name}</a>
              {topic.sample && <span class="quiet small">Invented sample</span>}
            </th>
            <td class="figure">{number(topic.article_count)}</td>
            <td class="quiet">{publishedSpan(topic)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
