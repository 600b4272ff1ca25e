// Writes merkle.json: roots and proofs of StandardMerkleTree (npm @openzeppelin/merkle-tree), which oracle/formats/merkle.py must
// give too. Run from a folder where node_modules resolves: node tests/vectors/merkle.mjs
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";

const MOST = 129;
const SIZES = [...Array(33).keys()].map((n) => n + 1).concat([64, 100, 128, MOST]);
const PROVED = [1, 2, 3, 7, 8, 33, MOST];
const INT64 = 2n ** 63n;

const hash = (text) => createHash("sha256").update(text).digest();
const wide = (text) => BigInt.asIntN(64, BigInt("0x" + hash(text).subarray(0, 8).toString("hex")));
const name = (text) => "0x" + Buffer.from(text).toString("hex").padEnd(64, "0");
const channels = ["heart_rate", "temperature", "x", "abcdefghijklmnopqrstuvwxyz012345"];

const reading = (n) => ({
  time: String(1_700_000_000_000 + 250 * n),
  channel: channels[n % channels.length],
  value: String([0n, -1n, INT64 - 1n, -INT64][n] ?? wide(`value ${n}`)),
  salt: "0x" + hash(`salt ${n}`).toString("hex"),
});
const part = (n) => ({
  feature: n === 0 ? "base" : n % 5 === 0 ? `puls-änderung ${n}` : `feature_${n}`,
  known: n === 0 || n % 3 !== 0,
  value: String(n !== 0 && n % 3 === 0 ? 0n : wide(`feature ${n}`)),
  contribution: String(wide(`contribution ${n}`)),
});

const rows = [...Array(MOST).keys()];
const readings = rows.map(reading);
const parts = rows.map(part);
const families = {
  readings: {
    types: ["uint64", "bytes32", "int64", "bytes32"],
    rows: readings,
    values: readings.map((r) => [r.time, name(r.channel), r.value, r.salt]),
  },
  explanation: {
    types: ["uint16", "string", "bool", "int64", "int64"],
    rows: parts,
    values: parts.map((p, n) => [n, p.feature, p.known, p.value, p.contribution]),
  },
};

const told = {};
for (const [family, { types, rows, values }] of Object.entries(families)) {
  const trees = new Map(SIZES.map((size) => [size, StandardMerkleTree.of(values.slice(0, size), types)]));
  told[family] = {
    types,
    rows,
    leaves: values.map((value) => trees.get(MOST).leafHash(value)),
    roots: Object.fromEntries(SIZES.map((size) => [size, trees.get(size).root])),
    proofs: PROVED.flatMap((size) =>
      [...new Set([0, size >> 1, size - 1])].map((index) => ({ size, index, proof: trees.get(size).getProof(index) })),
    ),
  };
}
const answer = StandardMerkleTree.of([[0, "too_few_readings", false, "0", "0"]], families.explanation.types);
told.noAnswer = { reason: "too_few_readings", root: answer.root };
const target = join(dirname(fileURLToPath(import.meta.url)), "merkle.json");
writeFileSync(target, JSON.stringify(told, null, 1) + "\n");
