/** A web server on loopback that publishes feeds: whatever a test puts at a path. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface Published {
  status: number;
  type: string;
  body: string;
}

export interface Entry {
  title: string;
  link: string;
  text: string;
}

export class Publisher {
  #published = new Map<string, Published>();
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Where it listens, as IP:PORT: what a machine has to be allowed to reach. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<Publisher> {
    const server = createServer();
    const publisher = new Publisher(server);
    server.on("request", (request, response) => {
      const { status, type, body } = publisher.#published.get(request.url ?? "") ?? {
        status: 404,
        type: "text/plain",
        body: "Not here.",
      };
      response.writeHead(status, { "content-type": type });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return publisher;
  }

  /** Answers `path` so from now on; its address. */
  publish(path: string, body: string, type: string, status = 200): string {
    this.#published.set(path, { status, type, body });
    return `http://${this.address}${path}`;
  }

  rss(path: string, title: string, entries: Entry[]): string {
    const items = entries.map(
      (entry) =>
        `<item><title>${entry.title}</title><link>${entry.link}</link><description>${entry.text}</description></item>`,
    );
    const channel = `<title>${title}</title><link>https://news.example.com/</link><description>News</description>`;
    return this.publish(
      path,
      `<?xml version="1.0"?><rss version="2.0"><channel>${channel}${items.join("")}</channel></rss>`,
      "application/rss+xml",
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
