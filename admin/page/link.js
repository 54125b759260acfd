// The line that says whether the numbers are live, and since when they are not.

import { clock, lasting, zone } from "./format.js";
import { setText } from "./dom.js";

// LinkLine shows a Live's connection. What is announced changes with the state only; what
// ticks stands beside it and is not announced.
export class LinkLine {
  #root = document.getElementById("link");
  #said = document.getElementById("link-said");
  #more = document.getElementById("link-more");
  #now = document.getElementById("link-now");
  #zone = document.getElementById("zone");
  #live;
  #ticker = 0;

  constructor(live) {
    this.#live = live;
    live.addEventListener("link", () => this.#show());
    this.#now.addEventListener("click", () => {
      live.again();
      document.getElementById("main").focus({ preventScroll: true });
    });
  }

  start() {
    this.#root.hidden = false;
    setText(this.#zone, `Times: ${zone()}`);
    this.#ticker = setInterval(() => this.#tick(), 1000);
    this.#show();
  }

  stop() {
    this.#root.hidden = true;
    clearInterval(this.#ticker);
  }

  #show() {
    const { state, lastState } = this.#live.link;
    this.#root.dataset.state = state;
    document.body.classList.toggle("stale", state === "lost");
    const words = {
      connecting: "Connecting",
      live: "Live",
      lost: lastState ? `Connection lost: numbers are of ${clock(lastState)}` : "No connection to the service",
    };
    setText(this.#said, words[state]);
    this.#now.hidden = state !== "lost";
    this.#tick();
  }

  #tick() {
    const { state, lastState, nextTry } = this.#live.link;
    const now = Date.now();
    if (state === "live") return setText(this.#more, `updated ${clock(lastState)}`);
    if (state !== "lost") return setText(this.#more, "");
    const old = lastState ? `${lasting((now - lastState) / 1000)} old; ` : "";
    const next = nextTry > now ? `trying again in ${lasting((nextTry - now) / 1000 + 1)}` : "trying now";
    setText(this.#more, old + next);
  }
}
