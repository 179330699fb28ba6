/**
 * A model server that says what a test tells it to: for answers that a real
 * model can't be made to give (hostile ones, a proposal word for word, one that
 * takes long), over the wire that real ones speak.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A turn in which it calls tools rather than answering. */
export interface Turn {
  /** Arguments go over the wire as they are, valid or not. */
  calls: { name: string; arguments: string }[];
  /** It says nothing before this has happened. */
  after?: Promise<unknown>;
}

export class ScriptedModel {
  /** The turns that come before its answer; each is taken once. */
  turns: Turn[] = [];
  /** What it answers next and from then on. */
  answer = "Tell me more about who reads it.";
  /** Between words, in milliseconds. */
  pace = 0;
  /** Choices that it sends in place of an answer, once; then it hangs up. */
  broken: object[] = [];
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  static async start(): Promise<ScriptedModel> {
    const server = createServer();
    const model = new ScriptedModel(server);
    server.on("request", (request, response) => {
      request.resume();
      if (request.url === "/v1/models") {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ object: "list", data: [{ id: "scripted", object: "model" }] }));
        return;
      }
      response.writeHead(200, { "content-type": "text/event-stream" });
      void model
        .#say(
          (event) => response.write(`data: ${event}\n\n`),
          () => response.destroyed,
        )
        .then(() => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return model;
  }

  async #say(write: (event: string) => void, isGone: () => boolean): Promise<void> {
    const turn = this.turns.shift();
    if (turn) {
      await turn.after;
      for (const piece of turn.calls.flatMap(inPieces))
        write(JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [piece] } }] }));
      write(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] }));
      write(JSON.stringify({ choices: [], usage: { prompt_tokens: 100, completion_tokens: 7 } }));
      write("[DONE]");
      return;
    }
    if (this.broken.length > 0) {
      for (const choice of this.broken.splice(0)) write(JSON.stringify({ choices: [choice] }));
      return;
    }
    const words = this.answer.split(/(?<=\s)/);
    for (const content of words) {
      if (isGone()) return;
      write(JSON.stringify({ choices: [{ index: 0, delta: { content } }] }));
      if (this.pace > 0) await new Promise((resolve) => setTimeout(resolve, this.pace));
    }
    write(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }));
    write(JSON.stringify({ choices: [], usage: { prompt_tokens: 100, completion_tokens: words.length } }));
    write("[DONE]");
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A call as servers send it: its name first, then its arguments bit by bit. */
function inPieces(call: Turn["calls"][number], index: number): object[] {
  const half = Math.ceil(call.arguments.length / 2);
  return [
    { index, id: `call_${index}`, type: "function", function: { name: call.name, arguments: "" } },
    { index, function: { arguments: call.arguments.slice(0, half) } },
    { index, function: { arguments: call.arguments.slice(half) } },
  ];
}
