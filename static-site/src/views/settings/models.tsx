/** The models that answer, and how to add a better one. */
import { Copy as CopyIcon } from "lucide-preact";
import { useEffect } from "preact/hooks";
import { copy } from "../../parts/copy";
import { useLoad } from "../../parts/load";
import { Failed, Working } from "../../parts/notice";
import { number } from "../../rules/when";
import { listModels, type Model } from "../../server";

const POLL_MS = 3_000;

const STATES = {
  ready: { word: "ready", look: "good" },
  starting: { word: "starting", look: "busy" },
  failed: { word: "failed", look: "bad" },
} as const;

export function Models() {
  const loaded = useLoad(listModels);
  const models = loaded.data.value;
  const starting = models?.some((model) => model.state === "starting") ?? false;

  useEffect(() => {
    if (!starting || loaded.loading.value) return;
    const timer = setTimeout(() => void loaded.reload(), POLL_MS);
    return () => clearTimeout(timer);
  }, [starting, models, loaded.loading.value]);

  return (
    <section aria-labelledby="models-heading">
      <h2 id="models-heading">Models</h2>
      {loaded.error.value !== undefined && <Failed error={loaded.error.value} retry={loaded.reload} />}
      {!models && loaded.loading.value && <Working>Loading the models</Working>}
      {models && models.length === 0 && (
        <p class="quiet">
          No model is set up: the assistant can't answer and tests can't run. Everything else works. Add one
          as below.
        </p>
      )}
      {models && models.length > 0 && (
        <ul class="models">
          {models.map((model) => (
            <One key={model.id} model={model} />
          ))}
        </ul>
      )}
      <AddModel />
    </section>
  );
}

function One({ model }: { model: Model }) {
  const state = STATES[model.state];
  return (
    <li>
      <p class="name">
        <strong>{model.label}</strong>
        {model.default && <span class="quiet small">answers unless another is chosen</span>}
      </p>
      <p class="number">
        <span class={`status ${state.look}`} role="status">
          {state.word}
        </span>
      </p>
      <p class="facts quiet small number">
        <span class="mono">{model.id}</span>
        <span>{number(model.context_window)} tokens for prompt and answer</span>
        <span>{price(model)}</span>
      </p>
      {model.detail && (
        <p class={`detail small ${model.state === "failed" ? "wrong" : "quiet"}`}>{model.detail}</p>
      )}
    </li>
  );
}

function price({ price_in, price_out }: Model): string {
  if (price_in === 0 && price_out === 0) return "no price set";
  return `$${price_in} read and $${price_out} written, a million tokens`;
}

const WAYS: { title: string; what: string; lines: string }[] = [
  {
    title: "An OpenAI-compatible server",
    what: "llama.cpp, vLLM, or a provider's compatible endpoint, with its /v1. The key only where it needs one.",
    lines: `export WORKSHOP_LLM_URL=http://127.0.0.1:8080/v1
export WORKSHOP_LLM_MODEL=name-of-the-model
export WORKSHOP_LLM_API_KEY=your-key`,
  },
  {
    title: "Several models",
    what: "The first is the default. A key is named, not written here: key_parameter is the variable that holds it. Prices are US dollars a million tokens; the spending limits need them.",
    lines: `export WORKSHOP_MODELS='[{"id": "gpt-5-mini", "label": "GPT-5 mini",
  "base_url": "https://api.openai.com/v1", "key_parameter": "OPENAI_API_KEY",
  "context_window": 128000, "max_output_tokens": 8192,
  "supports_tools": false, "price_in": 0.25, "price_out": 2.0}]'`,
  },
  {
    title: "OpenAI, with its key alone",
    what: "Nothing else is needed.",
    lines: "export OPENAI_API_KEY=your-key",
  },
];

function AddModel() {
  return (
    <details class="add-model">
      <summary>How to add a better one</summary>
      <p class="measure">
        The built-in model is real and tiny: good for trying the workshop, not for judging a prompt. Stop the
        workshop, set the variables of one of these ways in its terminal, and start it again. The first that
        is set answers; without any, Ollama does when it runs on its usual port.
      </p>
      {WAYS.map((way) => (
        <section key={way.title} aria-label={way.title}>
          <h3>{way.title}</h3>
          <p class="quiet small measure">{way.what}</p>
          <pre>{way.lines}</pre>
          <button type="button" onClick={() => void copy(way.lines)}>
            <CopyIcon class="icon" aria-hidden="true" />
            Copy
            <span class="visually-hidden"> the lines for {way.title}</span>
          </button>
        </section>
      ))}
    </details>
  );
}
