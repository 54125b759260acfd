// Shows every second what became of leads and what the CRM has. The forms need no script.

const every = 1000; // milliseconds

// refresh replaces the parts that have changed; what has the focus keeps it.
async function refresh() {
  const answer = await fetch("/live", { cache: "no-store" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = document.querySelectorAll("#live > section");
  page.querySelectorAll("#live > section").forEach((next, i) => {
    const old = now[i];
    if (old.innerHTML === next.innerHTML && old.dataset.held === next.dataset.held) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const words = old.querySelector("[role=status]");
    const next_words = next.querySelector("[role=status]");
    if (words && next_words) { // the element stays, so that a change of it is read out, and nothing else
      if (words.textContent !== next_words.textContent) words.textContent = next_words.textContent;
      next_words.replaceWith(words);
    }
    Object.assign(old.dataset, next.dataset);
    old.replaceChildren(...next.childNodes);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  });
}

async function loop() {
  if (!document.hidden) await refresh().catch(() => {}); // the demo may have ended
  setTimeout(loop, every);
}

setTimeout(loop, every);
