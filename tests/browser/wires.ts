/**
 * Servers of models that call tools, one for each family of wires, each as strict as the real one: it refuses what
 * that refuses, as the thread beside it tells, and sends what that sends.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Message {
  role: string;
  content?: unknown;
  tool_calls?: Call[];
  tool_call_id?: string;
  reasoning_content?: string;
}

interface Call {
  index?: number;
  id?: string;
  type?: string;
  function: { name?: string; arguments?: unknown };
  extra_content?: { google?: { thought_signature?: string } };
}

interface Asked {
  messages: Message[];
  [parameter: string]: unknown;
}

interface Refusal {
  status: number;
  body: unknown;
}

interface Wire {
  name: string;
  /** What it doesn't take; null when it takes the request. */
  refuses: (asked: Asked) => Refusal | null;
  /** The deltas of the turn in which it calls tools. */
  calls: object[];
  /** How many calls they are. */
  count: number;
  /** The deltas of its answer. */
  answers: object[];
  /** What it thought in both turns. */
  thought?: string;
}

export const ANSWER = "Adoption rose in every survey.";

const search = { name: "enhanced_database_search", arguments: '{"query": "AI adoption"}' };
const newest = { name: "get_topic_articles", arguments: '{"limit": 3}' };
const spoken = [...ANSWER.matchAll(/\S+\s*/g)].map(([content]) => ({ content }));
const refused = (status: number, message: string, more: object = {}): Refusal => ({
  status,
  body: { error: { message, type: "invalid_request_error", ...more } },
});

/** The calls that a request shows, and those of them that it answers. */
const shown = (asked: Asked): Call[] => asked.messages.flatMap((message) => message.tool_calls ?? []);
const answered = (asked: Asked): (string | undefined)[] =>
  asked.messages.filter(({ role }) => role === "tool").map(({ tool_call_id }) => tool_call_id);

/** Every server wants each call answered, by its id. */
function unanswered(asked: Asked): Refusal | null {
  const ids = answered(asked);
  return shown(asked).every(({ id }) => ids.includes(id)) && ids.length === shown(asked).length
    ? null
    : refused(400, "An assistant message with 'tool_calls' must be followed by tool messages", {
        param: "messages",
      });
}

/** As OpenAI streams a call: its name first, its arguments bit by bit. */
const inPieces = (index: number, id: string, { name, arguments: text }: typeof search): object[] =>
  [
    { index, id, type: "function", function: { name, arguments: "" } },
    { index, function: { arguments: text.slice(0, 5) } },
    { index, function: { arguments: text.slice(5) } },
  ].map((call) => ({ tool_calls: [call] }));

const takesNo = (parameter: string, asked: Asked): Refusal | null =>
  parameter in asked
    ? refused(400, `Unsupported parameter: '${parameter}' is not supported with this model.`, {
        code: "unsupported_parameter",
        param: parameter,
      })
    : null;

const LONG_ID = `call_x__thought__${"CpwBAVSoXO".repeat(60)}`;

export const WIRES: Wire[] = [
  {
    name: "OpenAI",
    refuses: () => null,
    calls: [...inPieces(0, "call_a", search), ...inPieces(1, "call_b", newest)],
    count: 2,
    answers: spoken,
  },
  {
    // litellm-vscode-chat#18, OpenHands/software-agent-sdk#1837
    name: "gpt-5",
    refuses: (asked) => takesNo("max_tokens", asked) ?? takesNo("temperature", asked),
    calls: inPieces(0, "call_a", search),
    count: 1,
    answers: spoken,
  },
  {
    // All calls are of index 0 (hermes-agent#62940); signatures have to come back (openhuman#3548).
    name: "Gemini",
    refuses: (asked) => {
      const [first] = shown(asked);
      return first && first.extra_content?.google?.thought_signature !== "c2lnbmVk"
        ? refused(400, "Function call is missing a thought_signature in functionCall parts.", {
            status: "INVALID_ARGUMENT",
          })
        : null;
    },
    calls: [
      {
        tool_calls: [
          {
            index: 0,
            id: "function-call-1",
            type: "function",
            function: search,
            extra_content: { google: { thought_signature: "c2lnbmVk" } },
          },
        ],
      },
      { tool_calls: [{ index: 0, id: "function-call-2", type: "function", function: newest }] },
    ],
    count: 2,
    answers: spoken,
  },
  {
    // The signature stands in the id (litellm#16895).
    name: "LiteLLM",
    refuses: (asked) =>
      shown(asked).every(({ id }) => id === LONG_ID)
        ? null
        : refused(400, "litellm.BadRequestError: Function call is missing a thought_signature", {
            code: "400",
          }),
    calls: inPieces(0, LONG_ID, search),
    count: 1,
    answers: spoken,
  },
  {
    // GitNexus#43, pi#3636
    name: "DeepSeek",
    refuses: (asked) =>
      asked.messages.every((message) => !message.tool_calls || message.reasoning_content === "First, a look.")
        ? null
        : refused(400, "The `reasoning_content` in the thinking mode must be passed back to the API."),
    calls: [
      { reasoning_content: "First, " },
      { reasoning_content: "a look." },
      ...inPieces(0, "call_00_a", search),
    ],
    count: 1,
    answers: [{ reasoning_content: "Now the answer." }, ...spoken],
    thought: "Thought, 6 words",
  },
  {
    // avante.nvim#2347; content in parts: litellm#16272
    name: "Mistral",
    refuses: (asked) =>
      "stream_options" in asked
        ? {
            status: 422,
            body: {
              object: "error",
              message: {
                detail: [
                  {
                    type: "extra_forbidden",
                    loc: ["body", "stream_options", "include_usage"],
                    msg: "Extra inputs are not permitted",
                    input: true,
                  },
                ],
              },
              type: "invalid_request_error",
              param: null,
              code: null,
            },
          }
        : null,
    calls: [{ content: "", tool_calls: [{ index: 0, id: "D681PevKs", function: search }] }],
    count: 1,
    answers: [
      { content: [{ type: "thinking", thinking: [{ type: "text", text: "Two surveys." }] }] },
      { content: [{ type: "text", text: ANSWER }] },
    ],
    thought: "Thought, 2 words",
  },
  {
    // Arguments as an object: llama.cpp#20198. It reads those that it is shown, and refuses all for one it can't.
    name: "llama.cpp",
    refuses: (asked) =>
      shown(asked).every(({ function: { arguments: text } }) => typeof text === "string" && isJson(text))
        ? null
        : {
            status: 500,
            body: { error: { code: 500, message: "Failed to parse tool call arguments as JSON" } },
          },
    calls: [
      {
        tool_calls: [
          {
            index: 0,
            id: "a",
            type: "function",
            function: { ...search, arguments: { query: "AI adoption" } },
          },
        ],
      },
    ],
    count: 1,
    answers: spoken,
  },
  {
    // A call a chunk, whole, without a number. Thinking that no parser took out stands in the text.
    name: "Ollama",
    refuses: () => null,
    calls: [
      { content: "", tool_calls: [{ id: "call_1", type: "function", function: search }] },
      { content: "", tool_calls: [{ id: "call_2", type: "function", function: newest }] },
    ],
    count: 2,
    answers: [
      { content: "<thi" },
      { content: "nk>\nTwo surveys.\n</th" },
      { content: "ink>\n\n" },
      ...spoken,
    ],
    thought: "Thought, 2 words",
  },
  {
    // RooCode#12162, picoclaw#2939
    name: "Anthropic",
    refuses: (asked) =>
      "temperature" in asked
        ? refused(400, "`temperature` is deprecated for this model.", {
            code: "invalid_request_error",
            param: null,
          })
        : null,
    calls: [{ content: "I'll look." }, ...inPieces(0, "toolu_01A", search)],
    count: 1,
    answers: spoken,
  },
  {
    // Ollama's words for a model without tools.
    name: "no tools",
    refuses: (asked) =>
      "tools" in asked
        ? refused(400, "registry.ollama.ai/library/gemma:2b does not support tools", { type: "api_error" })
        : null,
    calls: [],
    count: 0,
    answers: spoken,
  },
];

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

/** Serves every wire, each under a path of its own. */
export async function serveWires(): Promise<{ models: object[]; stop: () => Promise<unknown> }> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const wire = WIRES[Number(request.url?.split("/")[1])];
      const asked = JSON.parse(body) as Asked;
      const refusal = wire ? (unanswered(asked) ?? wire.refuses(asked)) : refused(404, "no such path");
      if (!wire || refusal) {
        response.writeHead(refusal?.status ?? 404, { "content-type": "application/json" });
        response.end(JSON.stringify(refusal?.body));
        return;
      }
      const isOver = wire.count === 0 || shown(asked).length > 0;
      const deltas = isOver ? wire.answers : wire.calls;
      const finish_reason = isOver ? "stop" : "tool_calls";
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const choice of [...deltas.map((delta) => ({ delta })), { delta: {}, finish_reason }])
        response.write(`data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`);
      response.end(
        `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 100, completion_tokens: 7 } })}\n\ndata: [DONE]\n\n`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    models: WIRES.map(({ name }, at) => ({
      id: name,
      base_url: `http://127.0.0.1:${port}/${at}/v1`,
      context_window: 65_536,
      max_output_tokens: 2_048,
      supports_tools: true,
      price_in: 0,
      price_out: 0,
    })),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}
