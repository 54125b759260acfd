// The matches of a search, fetched a page at a time as they come into sight.

import { Problem, search } from "./api.js";

const size = 100;
const kept = 12; // pages; more than what any screen shows at once

// Matches holds what was fetched for one filter. It calls changed when rows came in, and
// failed with a Problem. Ended matches fetch nothing and call nothing any more.
export class Matches {
  total = 0;
  known = false; // total is
  asOf = "";
  cut = 0; // letters of which not all could be searched
  whole = false; // the text was found as a whole only
  #filter;
  #pages = new Map(); // by number, least recently used first
  #asked = new Set();
  #ending = new AbortController();
  #changed;
  #failed;

  constructor(filter, changed, failed) {
    this.#filter = filter;
    this.#changed = changed;
    this.#failed = failed;
  }

  end() { this.#ending.abort(); }

  // at is the letter in a row, or null until it is there.
  at(row) {
    const page = this.#pages.get(Math.floor(row / size));
    return page?.[row % size] ?? null;
  }

  // need fetches what is missing of rows from up to, but not, to.
  need(from, to) {
    for (let number = Math.floor(from / size); number <= Math.floor(Math.max(to - 1, from) / size); number++) {
      if (this.#pages.has(number)) this.#touch(number);
      else this.#fetch(number);
    }
  }

  #touch(number) {
    const page = this.#pages.get(number);
    this.#pages.delete(number);
    this.#pages.set(number, page);
  }

  async #fetch(number) {
    if (this.#asked.has(number)) return;
    this.#asked.add(number);
    try {
      const answer = await search({ ...this.#filter, offset: number * size, limit: size }, this.#ending.signal);
      Object.assign(this, { total: answer.total, known: true, asOf: answer.asOf, cut: answer.cut ?? 0, whole: answer.whole ?? false });
      this.#pages.set(number, answer.letters ?? []);
      while (this.#pages.size > kept) this.#pages.delete(this.#pages.keys().next().value);
      this.#changed();
    } catch (err) {
      if (err instanceof Problem) this.#failed(err);
      else if (err.name !== "AbortError") throw err;
    } finally {
      this.#asked.delete(number);
    }
  }
}
