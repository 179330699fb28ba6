import { describe, expect, test } from "vitest";
import { type Cut, Cutter, type Format, lineOfFile } from "./split";

const bytes = new TextEncoder();
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** Cuts `content`, handed over in pieces of `piece` bytes. */
function cut(format: Format, content: string, max: number, piece = 1_000): Cut {
  const cutter = new Cutter(format, max);
  const all = bytes.encode(content);
  for (let at = 0; at < all.length; at += piece) cutter.push(all.subarray(at, at + piece));
  return cutter.finish();
}

const texts = (content: string, found: Cut): string[] =>
  found.parts.map((part) => text.decode(bytes.encode(content).subarray(part.start, part.end)));

/** The same whatever the pieces are that the file is read in. */
function parts(format: Format, content: string, max: number): string[] {
  const whole = cut(format, content, max);
  for (const piece of [1, 2, 3, 7]) expect(cut(format, content, max, piece)).toEqual(whole);
  return texts(content, whole);
}

describe("JSON Lines", () => {
  test("is cut between lines", () => {
    expect(parts("jsonl", "aaaa\nbbbb\ncccc\n", 10)).toEqual(["aaaa\nbbbb\n", "cccc\n"]);
  });

  test("needs no line end at its end", () => {
    expect(parts("jsonl", "aaaa\nbbbb\ncc", 10)).toEqual(["aaaa\nbbbb\n", "cc"]);
  });

  test("gives nothing when it is empty", () => {
    expect(cut("jsonl", "", 10)).toEqual({ header: { end: 0, lines: 0 }, parts: [], tooLong: [] });
  });

  test("counts lines as the server does, empty ones too", () => {
    const content = "aaaa\n\n\nbbbb\ncccc\n";
    const found = cut("jsonl", content, 8);
    expect(found.parts.map((part) => part.line)).toEqual([1, 4, 5]);
    expect(found.parts.map((part) => lineOfFile(found, part, 1))).toEqual([1, 4, 5]);
  });

  test("a lone carriage return is no line's end", () => {
    expect(parts("jsonl", "aa\ra\nbbbb\n", 5)).toEqual(["aa\ra\n", "bbbb\n"]);
  });

  test("a line that is too long is left out by its number", () => {
    const content = `aa\n${"x".repeat(30)}\nbb\n`;
    const found = cut("jsonl", content, 10);
    expect(texts(content, found)).toEqual(["aa\n", "bb\n"]);
    expect(found.tooLong).toEqual([{ line: 2, lastLine: 2 }]);
    expect(found.parts[1]?.line).toBe(3);
  });
});

describe("CSV", () => {
  test("keeps its header apart", () => {
    const content = "title,url\na,1\nb,2\nc,3\n";
    const found = cut("csv", content, 8);
    expect(content.slice(0, found.header.end)).toBe("title,url\n");
    expect(parts("csv", content, 8)).toEqual(["a,1\nb,2\n", "c,3\n"]);
  });

  test("is never cut inside quotation marks", () => {
    const content = 'title,text\na,"one\ntwo, three\n"\nb,"x"\n';
    expect(parts("csv", content, 6)).toEqual(['b,"x"\n']);
    expect(parts("csv", content, 20)).toEqual(['a,"one\ntwo, three\n"\n', 'b,"x"\n']);
  });

  test("two quotation marks in a quoted field are one of its text", () => {
    const content = 'title,text\na,"he said ""no\n"" twice"\nb,c\n';
    expect(parts("csv", content, 28)).toEqual(['a,"he said ""no\n"" twice"\n', "b,c\n"]);
  });

  test("a quotation mark inside a plain field opens nothing", () => {
    expect(parts("csv", 'title,text\na,5" disk\nb,c\n', 11)).toEqual(['a,5" disk\n', "b,c\n"]);
  });

  test("each kind of line end ends a record", () => {
    expect(parts("csv", "t,u\r\na,1\r\nb,2\r\n", 5)).toEqual(["a,1\r\n", "b,2\r\n"]);
    expect(parts("csv", "t,u\ra,1\rb,2\r", 5)).toEqual(["a,1\r", "b,2\r"]);
    expect(cut("csv", "t,u\r\na,1\r\nb,2\r\n", 5).parts.map((part) => part.line)).toEqual([2, 3]);
  });

  test("lines inside quotation marks count", () => {
    const content = 't,u\na,"1\r\n2\r\n3"\nb,4\nc,5\n';
    const found = cut("csv", content, 14);
    expect(found.parts.map((part) => part.line)).toEqual([2, 5]);
    const [, second] = found.parts;
    expect(second && lineOfFile(found, second, 3)).toBe(6);
    expect(second && lineOfFile(found, second, 1)).toBe(1);
  });

  test("a byte order mark and empty lines before the header belong to it", () => {
    const content = '\ufeff\n\n"t",u\na,1\nb,2\n';
    const found = cut("csv", content, 4);
    expect(found.header).toEqual({ end: bytes.encode('\ufeff\n\n"t",u\n').length, lines: 3 });
    expect(parts("csv", content, 4)).toEqual(["a,1\n", "b,2\n"]);
    expect(found.parts.map((part) => part.line)).toEqual([4, 5]);
  });

  test("a header alone has no parts", () => {
    expect(cut("csv", "title,url", 10)).toEqual({ header: { end: 9, lines: 1 }, parts: [], tooLong: [] });
  });

  test("a quotation mark that is never closed takes the rest with it, and says where it stands", () => {
    const content = `t,u\na,1\nb,"2\n${"c,3\n".repeat(10)}`;
    const found = cut("csv", content, 12);
    expect(texts(content, found)).toEqual(["a,1\n"]);
    expect(found.tooLong).toEqual([{ line: 3, lastLine: 13 }]);
  });

  test("letters of several bytes are counted in bytes", () => {
    const content = "t,u\nä,ö\nü,1\n";
    expect(parts("csv", content, 6)).toEqual(["ä,ö\n", "ü,1\n"]);
  });
});

test("every byte is in the header, a part or what is too long, once", () => {
  const rows = Array.from({ length: 500 }, (_, at) =>
    at % 7 === 0 ? `r${at},"two\r\nlines ""${at}"""` : `r${at},plain ${"x".repeat(at % 40)}`,
  );
  const content = `t,u\r\n${rows.join("\r\n")}`;
  const found = cut("csv", content, 300, 11);
  expect(content.slice(0, found.header.end) + texts(content, found).join("")).toBe(content);
  expect(found.parts.every((part) => part.end - part.start <= 300)).toBe(true);
});

test("a part knows the lines it begins and ends on", () => {
  const content = 't,u\na,"1\n2"\nb,4\nc,5';
  const lines = cut("csv", content, 12).parts.map((part) => [part.line, part.lastLine]);
  expect(lines).toEqual([
    [2, 4],
    [5, 5],
  ]);
  expect(cut("jsonl", "a\n\nb", 10).parts.map((part) => part.lastLine)).toEqual([3]);
});
