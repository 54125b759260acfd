// The line that says whether the numbers are live, and since when they are not.

import { clock, lasting, zone } from "./format.js";
import { setText } from "./dom.js";
import { t } from "./lang.js";

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
    this.#ticker = setInterval(() => this.#tick(), 1000);
    this.say();
  }

  // say writes its words anew, as when the language is another.
  say() {
    setText(this.#zone, t("link.zone", { zone: zone() }));
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
      connecting: t("link.connecting"),
      live: t("link.live"),
      lost: lastState ? t("link.lost-since", { time: clock(lastState) }) : t("link.lost"),
    };
    setText(this.#said, words[state]);
    this.#now.hidden = state !== "lost";
    this.#tick();
  }

  #tick() {
    const { state, lastState, nextTry } = this.#live.link;
    const now = Date.now();
    if (state === "live") return setText(this.#more, t("link.updated", { time: clock(lastState) }));
    if (state !== "lost") return setText(this.#more, "");
    const next = nextTry > now ? t("link.again-in", { time: lasting((nextTry - now) / 1000 + 1) }) : t("link.again-now");
    setText(this.#more, lastState ? t("link.old", { age: lasting((now - lastState) / 1000), next }) : next);
  }
}
