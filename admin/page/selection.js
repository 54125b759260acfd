// Which letters are chosen: some by their places, or all matches but some.

export class Selection extends EventTarget {
  #all = false;
  #places = new Set(); // chosen, or the exceptions when all are

  has(place) { return this.#all !== this.#places.has(place); }

  get all() { return this.#all; }

  // size of the selection among so many matches.
  size(total) { return this.#all ? Math.max(total - this.#places.size, 0) : this.#places.size; }

  set(place, chosen) {
    if (chosen === this.has(place)) return;
    if (this.#places.has(place)) this.#places.delete(place);
    else this.#places.add(place);
    this.#changed();
  }

  toggle(place) { this.set(place, !this.has(place)); }

  chooseAll() {
    this.#all = true;
    this.#places.clear();
    this.#changed();
  }

  clear() {
    this.#all = false;
    this.#places.clear();
    this.#changed();
  }

  // order is the selection as the server takes it for a replay.
  order(filter) {
    const places = [...this.#places];
    return this.#all ? { filter: { ...filter, except: places } } : { places };
  }

  #changed() { this.dispatchEvent(new Event("change")); }
}
