// The live part: server-sent events, watched. A stream that says nothing for too long is
// as lost as one that is cut; either is opened again, later each time.

import { midnight } from "./format.js";

const silence = 6000; // milliseconds; a state comes each second
const firstWait = 1000;
const longestWait = 30000;

// Live gives "state", "history" and "point" events with their data as detail, and "link"
// when the connection is made, lost or about to be tried.
export class Live extends EventTarget {
  #source = null;
  #watchdog = 0;
  #retry = 0;
  #wait = firstWait;
  #newDay = 0;

  // link is what is known of the connection: state is connecting, live or lost; since,
  // lastState and nextTry are times in milliseconds, or 0.
  link = { state: "connecting", since: Date.now(), lastState: 0, nextTry: 0 };

  open() {
    this.close();
    const source = new EventSource(`/api/live?midnight=${midnight()}`);
    this.#source = source;
    this.#watch();
    this.#atMidnight();
    for (const name of ["history", "point"]) {
      source.addEventListener(name, (event) => { this.#watch(); this.#give(name, JSON.parse(event.data)); });
    }
    source.addEventListener("state", (event) => {
      this.#watch();
      this.#wait = firstWait;
      this.link.lastState = Date.now();
      this.#say("live");
      this.#give("state", JSON.parse(event.data));
    });
    source.addEventListener("error", () => this.#lost());
  }

  close() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    clearTimeout(this.#newDay);
  }

  // again tries at once.
  again() {
    this.#wait = firstWait;
    this.open();
  }

  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lost(), silence);
  }

  // "Today" begins anew at the reader's midnight, which the stream was asked with.
  #atMidnight() {
    const now = new Date();
    const next = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    this.#newDay = setTimeout(() => this.open(), next - now + 1000);
  }

  #lost() {
    this.close();
    const wait = this.#wait * (0.75 + Math.random() / 2); // not all pages at once
    this.#wait = Math.min(this.#wait * 2, longestWait);
    this.link.nextTry = Date.now() + wait;
    this.#retry = setTimeout(() => this.open(), wait);
    this.#say("lost");
    this.#give("failed", null);
  }

  #say(state) {
    if (this.link.state !== state) Object.assign(this.link, { state, since: Date.now() });
    this.#give("link", this.link);
  }

  #give(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
}
