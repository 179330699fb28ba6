/**
 * Sending a large file to the address that the server gave for it. By
 * XMLHttpRequest: `fetch` doesn't tell how much of a body has gone.
 */
import { uploadAddress } from "../rules/imports";
import { Unreachable } from "./http";
import type { components } from "./openapi";

/** The longest time without a sign that anything moves. */
const STALLED_MS = 60_000;

/** The storage answered, but didn't take the file: the address may have expired. */
export class UploadRefused extends Error {
  override readonly name = "UploadRefused";
  readonly status: number;

  constructor(status: number) {
    super(`The upload was refused (${status}).`);
    this.status = status;
  }
}

/**
 * Sends `file`. Throws `UploadRefused`, `Unreachable`, or what `signal` was
 * aborted with. `onSent` hears how many bytes have gone.
 */
export function upload(
  file: Blob,
  to: components["schemas"]["UploadTarget"],
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    let timer = 0;
    const moved = (): void => {
      clearTimeout(timer);
      timer = window.setTimeout(abort, STALLED_MS);
    };
    request.upload.addEventListener("progress", (event) => {
      moved();
      onSent(event.loaded);
    });
    request.addEventListener("loadend", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      if (signal.aborted) reject(signal.reason);
      else if (request.status >= 200 && request.status < 300) resolve();
      else if (request.status > 0) reject(new UploadRefused(request.status));
      else reject(new Unreachable());
    });
    request.open(to.method, uploadAddress(to.url, location.origin));
    for (const [name, value] of Object.entries(to.headers)) request.setRequestHeader(name, value);
    signal.addEventListener("abort", abort);
    moved();
    request.send(file);
  });
}
