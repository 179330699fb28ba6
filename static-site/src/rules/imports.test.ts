import { expect, test } from "vitest";
import { amount, copies, soFar, uploadAddress } from "./imports";

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
