/** What opening a twin may come to, beside the readings; apart, so that a page can name it without the cryptography. */

export class Denied extends Error {
  constructor(readonly reasons: Record<string, string>) {
    super('too few keyholders agreed')
  }
}

export class Damaged extends Error {}
