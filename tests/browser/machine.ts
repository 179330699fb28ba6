/** The local machine as a process of its own, which a test can kill and start again. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT, ROOT } from "./places";

const STARTS_WITHIN_MS = 60_000;

export class Machine {
  /** Where the page is; the same after a restart. */
  url = "";
  dynamodb = "";
  readonly #folder = mkdtempSync(join(tmpdir(), "workshop-browser-"));
  readonly #settings: Record<string, string>;
  #process: ChildProcess | null = null;
  #output = "";

  private constructor(settings: Record<string, string>) {
    this.#settings = settings;
  }

  /** With a model that answers at `llm`, an address ending in `/v1`. */
  static async withModel(llm: string, settings: Record<string, string> = {}): Promise<Machine> {
    const machine = new Machine({ WORKSHOP_LLM_URL: llm, WORKSHOP_LLM_MODEL: "scripted", ...settings });
    await machine.start();
    return machine;
  }

  /** With a model at `llm` that is offered the research tools. */
  static async withTools(llm: string, settings: Record<string, string> = {}): Promise<Machine> {
    const model = {
      id: "scripted",
      label: "Scripted",
      base_url: llm,
      context_window: 65_536,
      max_output_tokens: 4_096,
      supports_tools: true,
      price_in: 0,
      price_out: 0,
    };
    return Machine.withModels([model], settings);
  }

  /** With these models, as `WORKSHOP_MODELS` describes them. */
  static async withModels(models: object[], settings: Record<string, string> = {}): Promise<Machine> {
    const machine = new Machine({ WORKSHOP_MODELS: JSON.stringify(models), ...settings });
    await machine.start();
    return machine;
  }

  /** With the real small model, which is installed once for all tests, beside the Rust ones'. */
  static async withSmallModel(): Promise<Machine> {
    const machine = new Machine({});
    const installed = join(ROOT, ".workshop/model");
    mkdirSync(installed, { recursive: true });
    symlinkSync(installed, join(machine.#folder, "model"));
    await machine.start();
    return machine;
  }

  /** Starts it, on the ports it had before if there was a before. */
  async start(): Promise<void> {
    const port = (address: string): string => (address === "" ? "0" : new URL(address).port);
    const started = spawn(join(BUILT, "workshop"), [], {
      cwd: ROOT,
      env: {
        ...clean(process.env),
        WORKSHOP_PORT: port(this.url),
        WORKSHOP_DYNAMODB_PORT: port(this.dynamodb),
        WORKSHOP_SQS_PORT: "0",
        WORKSHOP_DATA_DIR: this.#folder,
        WORKSHOP_SITE: join(ROOT, "static-site/dist"),
        WORKSHOP_RECOVER_EVERY: "2",
        WORKSHOP_LIMIT_RUNS_PER_MINUTE: "1000",
        WORKSHOP_LIMIT_MESSAGES_PER_MINUTE: "1000",
        ...this.#settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = started;
    this.#output = "";
    started.stdout?.on("data", (text) => {
      this.#output += text;
    });
    started.stderr?.on("data", (text) => {
      this.#output += text;
    });
    const deadline = Date.now() + STARTS_WITHIN_MS;
    while (!this.#output.includes("Ctrl-C ends it")) {
      if (started.exitCode !== null || Date.now() > deadline) {
        throw new Error(`The workshop didn't start:\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.url = /is at (http:\S+)/.exec(this.#output)?.[1] ?? "";
    this.dynamodb = /DynamoDB\s+(http:\S+)/.exec(this.#output)?.[1] ?? "";
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ended = this.#process;
    this.#process = null;
    if (!ended || ended.exitCode !== null) return;
    const gone = new Promise((resolve) => ended.once("exit", resolve));
    ended.kill(signal);
    await gone;
  }

  // What a test prepares or checks without the page.

  async ask<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const answer = await fetch(`${this.url}/api${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** A new draft with that text; its id. */
  async draft(content: string, name = "A draft"): Promise<string> {
    const started = await this.ask<{ draft_id: string }>("POST", "/auspex/prompts/workshop/start", {
      starting_prompt: content,
      draft_name: name,
    });
    return started.draft_id;
  }

  /** What the server has of a draft. */
  saved(id: string): Promise<{ draft_content: string; draft_name: string; revision: number }> {
    return this.ask("GET", `/auspex/prompts/workshop/drafts/${id}`);
  }

  /** Saves a draft as another person or program would. */
  async save(id: string, content: string): Promise<void> {
    await this.ask("PUT", `/auspex/prompts/workshop/drafts/${id}`, { draft_content: content });
  }
}

/** Without settings that whoever runs the tests may have. */
function clean(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("WORKSHOP_") && name !== "OPENAI_API_KEY"),
  );
}
