/**
 * Cutting a file of articles into parts that are imported one after the other,
 * so that there is progress to show, and a failure costs one part.
 *
 * Cuts fall between records only: lines of JSON Lines, and records of CSV
 * (RFC 4180), which may span lines inside quotation marks. Fields, quotation
 * marks and line ends are told apart, and lines counted, as the server does it,
 * so that its line numbers can be told as the file's own.
 */

export type Format = "jsonl" | "csv";

/** Bytes of a file, and the lines (from 1) that the first and the last of them are on. */
export interface Part {
  start: number;
  end: number;
  line: number;
  lastLine: number;
}

/** A record that is longer than a part may be. No article is: the server would refuse it. */
export interface TooLong {
  line: number;
  /** The line it ends on: those between are part of it. */
  lastLine: number;
}

export interface Cut {
  /** CSV's first line, with which every part is sent: where it ends, and how many lines that takes. */
  header: { end: number; lines: number };
  parts: Part[];
  tooLong: TooLong[];
}

/** A part is at most this long: about a thousand articles, a second or two of work. */
export const PART_BYTES = 1_000_000;

const LF = 10;
const CR = 13;
const QUOTE = 34;
const COMMA = 44;
const MARK = [0xef, 0xbb, 0xbf];

/** Where the reader of CSV stands: between fields, in a plain or quoted one, or behind a quotation mark in one. */
type Place = "start" | "plain" | "quoted" | "closing";

/** Takes a file's bytes in pieces, and says at the end where to cut it. */
export class Cutter {
  readonly #format: Format;
  readonly #max: number;
  #at = 0;
  #line = 1;
  #place: Place = "start";
  #afterCr = false;
  #afterLine = true;
  #blank = true;
  #header: { end: number; lines: number } | undefined;
  #record = { start: 0, line: 1 };
  #part: Part = { start: 0, end: 0, line: 1, lastLine: 1 };
  readonly #parts: Part[] = [];
  readonly #tooLong: TooLong[] = [];

  constructor(format: Format, max = PART_BYTES) {
    this.#format = format;
    this.#max = max;
    if (format === "jsonl") this.#header = { end: 0, lines: 0 };
  }

  push(bytes: Uint8Array): void {
    if (this.#format === "jsonl") this.#pushLines(bytes);
    else this.#pushRecords(bytes);
  }

  finish(): Cut {
    if (this.#afterCr) this.#endRecord();
    if (this.#record.start < this.#at) {
      if (this.#format === "jsonl" || !this.#afterLine) this.#line += 1;
      this.#endRecord();
    }
    this.#closePart();
    return { header: this.#header ?? { end: 0, lines: 0 }, parts: this.#parts, tooLong: this.#tooLong };
  }

  #pushLines(bytes: Uint8Array): void {
    const before = this.#at;
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, end + 1)) {
      this.#at = before + end + 1;
      this.#line += 1;
      this.#endRecord();
    }
    this.#at = before + bytes.length;
  }

  #pushRecords(bytes: Uint8Array): void {
    for (const byte of bytes) {
      // CR LF is one line's end: what follows a CR decides where that is.
      if (this.#afterCr) {
        this.#afterCr = false;
        if (byte === LF) {
          this.#at += 1;
          if (this.#place !== "quoted") this.#endRecord();
          continue;
        }
        if (this.#place !== "quoted") this.#endRecord();
      }
      this.#afterLine = byte === LF || byte === CR;
      const mark = this.#at < MARK.length && byte === MARK[this.#at];
      this.#at += 1;
      if (mark) continue;
      if (this.#afterLine) this.#endLine(byte);
      else this.#character(byte);
    }
  }

  #endLine(byte: number): void {
    this.#line += 1;
    if (byte === CR) this.#afterCr = true;
    if (this.#place === "quoted") return;
    this.#place = "start";
    if (byte === LF) this.#endRecord();
  }

  #character(byte: number): void {
    this.#blank = false;
    switch (this.#place) {
      case "quoted":
        if (byte === QUOTE) this.#place = "closing";
        break;
      case "closing":
        // Two in a row are one quotation mark of the text.
        this.#place = byte === QUOTE ? "quoted" : byte === COMMA ? "start" : "plain";
        break;
      case "start":
        if (byte !== COMMA) this.#place = byte === QUOTE ? "quoted" : "plain";
        break;
      case "plain":
        if (byte === COMMA) this.#place = "start";
    }
  }

  /** A record ends before the byte at `#at`. */
  #endRecord(): void {
    const record = { ...this.#record, end: this.#at, lastLine: this.#line - 1 };
    this.#record = { start: this.#at, line: this.#line };
    if (!this.#header) {
      // Empty lines before the header belong to it.
      if (this.#blank) return;
      this.#header = { end: this.#at, lines: this.#line - 1 };
      this.#part = { start: this.#at, end: this.#at, line: this.#line, lastLine: this.#line };
      return;
    }
    if (record.end - record.start > this.#max) {
      this.#tooLong.push({ line: record.line, lastLine: record.lastLine });
      this.#closePart();
      this.#part = { start: record.end, end: record.end, line: this.#line, lastLine: this.#line };
      return;
    }
    if (record.end - this.#part.start > this.#max) {
      this.#closePart();
      this.#part = { ...record };
    }
    this.#part.end = record.end;
    this.#part.lastLine = record.lastLine;
  }

  #closePart(): void {
    if (this.#part.end > this.#part.start) this.#parts.push(this.#part);
  }
}

/** The file's own number of the line that the server calls `line` in a part sent with its header. */
export function lineOfFile(cut: Cut, part: Part, line: number): number {
  return line <= cut.header.lines ? line : part.line + line - cut.header.lines - 1;
}
