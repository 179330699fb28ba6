import { expect, test } from "vitest";
import {
  amount,
  columnsOf,
  copies,
  cutAs,
  fieldName,
  kindOf,
  notesOf,
  say,
  soFar,
  uploadAddress,
} from "./imports";

test("how far it is stands in the unit of the whole", () => {
  expect(amount(34_200_000, 120_000_000)).toBe("34 of 120 MB");
  expect(amount(2_100_000, 8_400_000)).toBe("2.1 of 8.4 MB");
  expect(amount(12_000, 840_000)).toBe("12 of 840 KB");
  expect(amount(0, 9_960_000)).toBe("0 of 10 MB");
});

test("of what came so far only the new are told when there are none", () => {
  expect(soFar({ added: 51_200, updated: 12, duplicates: 7, rejected_total: 3 })).toBe(
    "51,200 new, 12 updated, 7 copies, 3 not taken",
  );
  expect(soFar({ added: 0, updated: 0, duplicates: 1, rejected_total: 0 })).toBe("0 new, 1 copy");
});

test("copies are said to be kept", () => {
  expect(copies(7)).toMatch(/^7 were copies of articles that are here/);
  expect(copies(1)).toMatch(/^One was a copy/);
  expect(copies(0)).toBe("");
});

test("a file goes to the bucket's own address, and on one machine to where the page is open", () => {
  const signed = "/uploads/0190?X-Amz-Expires=3600&X-Amz-Signature=ab%2Fcd";
  const own = "http://localhost:8080";
  for (const machine of ["127.0.0.1:9090", "127.1.2.3", "[::1]:9090", "localhost:9090", "LOCALHOST"]) {
    expect(uploadAddress(`http://${machine}${signed}`, own)).toBe(own + signed);
  }
  for (const bucket of [
    "files.s3.eu-north-1.amazonaws.com",
    "127.0.0.1.example.com",
    "localhost.example.com",
  ]) {
    const url = `https://${bucket}${signed}`;
    expect(uploadAddress(url, "https://workshop.example.com")).toBe(url);
  }
});

test("a column that a person chooses for a field takes it from the one that had it", () => {
  const columns = [
    { name: "Headline", taken_as: "title" as const },
    { name: "Kicker", taken_as: null },
    { name: "Blurb", taken_as: "summary" as const },
  ];
  const said = say({ Blurb: "-" }, columns, "Kicker", "title");
  expect(said).toEqual({ Blurb: "-", Headline: "-", Kicker: "title" });
  expect(columnsOf(said)).toBe("Blurb:-,Headline:-,Kicker:title");
  expect(say({}, columns, "Blurb", "-")).toEqual({ Blurb: "-" });
  expect(columnsOf({})).toBe("");
  expect(fieldName("published_at")).toBe("Date");
});

test("a file is cut into parts only where each of its lines says what it is", () => {
  const table = { format: "csv", encoding: "UTF-8", separator: ",", above: 0 } as const;
  expect(cutAs(table)).toBe("csv");
  expect(cutAs({ ...table, format: "jsonl", separator: null })).toBe("jsonl");
  for (const other of [{ separator: ";" }, { encoding: "windows-1252" }, { above: 2 }, { format: "json" }])
    expect(cutAs({ ...table, ...other } as typeof table)).toBeUndefined();
});

test("what a file is, is told in words", () => {
  const table = { format: "csv", encoding: "UTF-8", separator: ",", above: 0 } as const;
  expect(kindOf(table)).toBe("a table with commas");
  expect(kindOf({ ...table, separator: "\t", encoding: "UTF-16LE" })).toBe("a table with tabs, in UTF-16LE");
  expect(kindOf({ ...table, format: "xlsx", separator: null })).toBe("a workbook");
  expect(kindOf({ ...table, format: "json", separator: null })).toBe("JSON");
});

test("a note that counts is told of its lines, and one that doesn't once", () => {
  const first = notesOf([], ["Passed over: x.", "One article has no date."], "Lines 1 to 9");
  expect(first).toEqual(["Passed over: x.", "Lines 1 to 9: One article has no date."]);
  expect(notesOf(first, ["Passed over: x."], "Lines 10 to 12")).toEqual(first);
  expect(notesOf([], ["2 articles have no date."], undefined)).toEqual(["2 articles have no date."]);
});
