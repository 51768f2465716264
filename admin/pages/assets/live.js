// Keeps the numbers of a page moving. The page's own address, asked for as an event stream, tells the parts that have
// changed: the inside of the element with data-live="NAME" by its name. A page without this file is whole, it only stands still.

const status = document.getElementById("live");
const pause = document.getElementById("live-pause");
let stream, held = false, lastWhole = 0;

const say = (text) => { if (status) status.textContent = text; };

function parts() {
  const found = new Map();
  for (const e of document.querySelectorAll("[data-live]")) found.set(e.dataset.live, e);
  return found;
}

// A part that someone works in is left alone until they are done.
const busy = (e) => e.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")
  || e.matches(":hover") && e.querySelector(".readouts, details[open]");

function change(event) {
  const news = JSON.parse(event.data), here = parts();
  const known = (name) => here.has(name) && news.parts[name] !== null;
  if (!Object.keys(news.parts).every(known) || news.all && here.size !== Object.keys(news.parts).length) return whole();
  for (const [name, html] of Object.entries(news.parts)) {
    const e = here.get(name);
    if (e.innerHTML === html || busy(e)) continue;
    const open = e.querySelector("details[open]") !== null;
    e.innerHTML = html;
    if (open) e.querySelector("details")?.setAttribute("open", "");
  }
  say("Live");
}

// Rows came or went: the page is asked for again, at most every five seconds, and nobody loses their place.
async function whole() {
  const main = document.getElementById("main");
  if (Date.now() - lastWhole < 5000 || main.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")
    || main.querySelector("details.fold[open]") || !getSelection().isCollapsed) return;
  lastWhole = Date.now();
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const at = document.activeElement.id, x = scrollX, y = scrollY;
  main.replaceChildren(...page.getElementById("main").childNodes);
  if (at && at !== "main") document.getElementById(at)?.focus({ preventScroll: true });
  scrollTo(x, y);
}

function start() {
  if (stream || held || document.hidden || !document.querySelector("[data-live]")) return;
  stream = new EventSource(location.href);
  stream.addEventListener("parts", change);
  stream.onopen = () => say("Live");
  stream.onerror = () => {
    say("Not live: the node does not answer");
    if (stream?.readyState === EventSource.CLOSED) { stop(); setTimeout(start, 5000); }
  };
}

function stop() {
  stream?.close();
  stream = undefined;
}

document.addEventListener("visibilitychange", () => document.hidden ? stop() : start());
addEventListener("pagehide", stop);
addEventListener("pageshow", start);
if (pause && document.querySelector("[data-live]")) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    held = !held;
    pause.textContent = held ? "Go on" : "Hold still";
    held ? stop() : start();
    say(held ? "Held" : "Live");
  });
}
start();
