/**
 * The import that is under way or has just ended. One at a time; it stands
 * outside the view, so that it goes on while one looks at something else.
 */
import { signal } from "@preact/signals";
import type { InParts } from "./in-parts";
import type { Uploading } from "./uploading";

export type Import = InParts | Uploading;

export const importing = signal<Import | undefined>(undefined);

const OVER: Import["state"][] = ["done", "stopped", "failed"];

export const isRunning = (): boolean =>
  importing.value !== undefined && !OVER.includes(importing.value.state);
