// The page as a whole: who is signed in, which view is shown, and the stream that feeds it.

import { onSignedOut, session, signOut } from "./api.js";
import { replace, setText } from "./dom.js";
import { count } from "./format.js";
import { t } from "./lang.js";
import { LetterView } from "./letter.js";
import { Letters } from "./letters.js";
import { LinkLine } from "./link.js";
import { Live } from "./live.js";
import { Overview } from "./overview.js";
import { ReplayDialog } from "./replay.js";
import { SignIn, failure, returnToView } from "./signin.js";
import { tools } from "./tools.js";

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const out = document.getElementById("sign-out");

const live = new Live();
const link = new LinkLine(live);
let views = null; // made when somebody is signed in, and dropped with all they hold
let shown = null;
let signedIn = false;
let oidc; // what the server says of the issuer at which people sign in; undefined: there is none

function makeViews() {
  const overview = new Overview();
  const dialog = new ReplayDialog(() => {
    views.letters.reload();
    if (shown === views.letter) views.letter.reload();
  });
  const letters = new Letters(
    (place, row) => { location.hash = `#/letters/${place}?row=${row}`; },
    (order, n) => dialog.open(order, { count: n, opener: document.getElementById("replay-chosen") }),
  );
  const letter = new LetterView({
    back: () => { location.hash = "#/letters"; },
    around: (row) => letters.around(row),
    replay: (order, options) => dialog.open(order, { count: 1, ...options }),
  });
  return { overview, letters, letter, dialog };
}

// route shows what the address names. Addresses carry views, places, reasons and codes only.
function route() {
  if (!signedIn) return;
  const [path, query] = location.hash.slice(1).split("?");
  const parameters = new URLSearchParams(query);
  const place = /^\/letters\/(\d+:\d+)$/.exec(path)?.[1];
  if (place) {
    show(views.letter, "letters");
    views.letter.show(place, parameters.has("row") ? Number(parameters.get("row")) : -1);
    views.letter.focus();
  } else if (path === "/letters") {
    const from = shown;
    show(views.letters, "letters");
    views.letters.enter(parameters.get("reason") ?? undefined, parameters.get("code") ?? "");
    if (parameters.has("reason")) history.replaceState(null, "", "#/letters");
    if (from === views.letter) views.letters.focus();
    else if (from) main.focus({ preventScroll: true });
  } else {
    const from = shown;
    show(views.overview, "overview");
    if (from) main.focus({ preventScroll: true });
  }
}

function show(view, name) {
  if (shown !== view) {
    replace(main, view.root);
    scrollTo(0, 0);
  }
  shown = view;
  document.title = `${view.title} – leadbridge`;
  for (const a of nav.querySelectorAll("a")) {
    if (a.dataset.view === name) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
}

function enter({ needed, role, playground }) {
  const play = document.getElementById("nav-playground");
  play.hidden = !playground;
  if (playground) play.href = playground;
  returnToView();
  document.documentElement.dataset.role = role ?? "act";
  signedIn = true;
  views = makeViews();
  shown = null;
  nav.hidden = false;
  out.hidden = !needed;
  link.start();
  live.open();
  route();
}

function leave(words) {
  const again = signedIn;
  signedIn = false;
  live.close();
  link.stop();
  delete document.documentElement.dataset.role;
  views?.dialog.close();
  views = null;
  nav.hidden = true;
  out.hidden = true;
  document.body.classList.remove("stale");
  const form = showSignIn();
  if (again || words) form.say(words);
  form.focus();
}

function showSignIn() {
  const form = new SignIn(() => { begin().catch((err) => form.say(err.message)); }, oidc);
  show(form, "");
  return form;
}

// What is shown is made anew when the language is another.
tools(() => {
  if (signedIn) {
    views.dialog.close();
    views = makeViews();
    shown = null;
    link.say();
    live.again(); // for the charts
    route();
  } else if (shown) showSignIn();
});

async function begin() {
  const state = await session();
  oidc = state.oidc;
  const failed = failure(oidc);
  if (state.signedIn) enter(state);
  else leave(failed);
}

// A stream that ends may do so because the session did.
live.addEventListener("failed", async () => {
  const state = await session().catch(() => null);
  oidc = state?.oidc ?? oidc;
  if (state && !state.signedIn && signedIn) leave(t("session-ended"));
});
live.addEventListener("history", (event) => views?.overview.history(event.detail));
live.addEventListener("point", (event) => views?.overview.point(event.detail));
live.addEventListener("state", ({ detail: state }) => {
  setText(document.getElementById("nav-open"), count(state.letters?.open));
  views?.overview.update(state);
  views?.letters.update(state);
});

onSignedOut(() => { if (signedIn) leave(t("session-ended")); });
out.addEventListener("click", async () => {
  // Without a connection the page forgets at least what it shows.
  const words = await signOut().then(() => t("signed-out"), (err) => t("sign-out.failed", { error: err.message }));
  leave(words);
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view
  main.focus();
});
addEventListener("hashchange", route);

begin().catch((err) => {
  replace(main, Object.assign(document.createElement("p"), { className: "plain", role: "alert", textContent: err.message }));
});
