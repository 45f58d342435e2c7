// Asks for new cards each second, and filters those shown by channel. The
// server escapes every card; the page's policy lets no script of theirs run.
const list = document.getElementById("list"), empty = document.getElementById("empty");
const live = document.getElementById("live"), filters = document.getElementById("filters");
const keep = 500;
let session = document.body.dataset.session, last = Number(document.body.dataset.last), shown = "";

function refresh() {
  const counts = new Map();
  for (const card of list.children) {
    const channel = card.dataset.channel;
    counts.set(channel, (counts.get(channel) || 0) + 1);
    card.hidden = shown !== "" && channel !== shown;
  }
  if (shown !== "" && !counts.has(shown)) { shown = ""; return refresh(); }
  empty.hidden = list.children.length > 0;
  const choice = (name, label, count) => {
    const b = document.createElement("button");
    b.type = "button";
    b.textContent = label;
    b.setAttribute("aria-pressed", String(shown === name));
    const n = document.createElement("b");
    n.textContent = count;
    b.append(" ", n);
    b.onclick = () => { shown = name; refresh(); };
    return b;
  };
  const total = list.children.length;
  filters.replaceChildren();
  document.getElementById("clear").hidden = total === 0;
  if (total === 0) return;
  filters.append(choice("", "All", total));
  for (const name of [...counts.keys()].sort()) filters.append(choice(name, name, counts.get(name)));
}

async function poll() {
  try {
    const resp = await fetch("/inbox/cards?since=" + last, { cache: "no-store" });
    if (!resp.ok) throw new Error(resp.statusText);
    live.classList.remove("lost");
    live.lastElementChild.textContent = "live";
    if (resp.headers.get("X-Inbox-Session") !== session) { location.reload(); return; }
    const newest = Number(resp.headers.get("X-Inbox-Last"));
    if (newest > last) {
      const cards = document.createElement("template");
      cards.innerHTML = await resp.text();
      for (const card of cards.content.children) card.classList.add("new");
      list.prepend(cards.content);
      while (list.children.length > keep) list.lastElementChild.remove();
      last = newest;
      refresh();
    }
  } catch {
    live.classList.add("lost");
    live.lastElementChild.textContent = "not connected";
  }
  setTimeout(poll, document.hidden ? 4000 : 1000);
}

document.getElementById("clear").onclick = async () => {
  const resp = await fetch("/inbox.json", { method: "DELETE" });
  if (resp.ok) { list.replaceChildren(); refresh(); }
};
refresh();
setTimeout(poll, 1000);
