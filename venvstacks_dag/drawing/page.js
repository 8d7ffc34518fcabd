"use strict";
// The page is whole without this: it filters, and follows the layers below the one pointed at.
const search = document.getElementById("search");
const platform = document.getElementById("platform");
const found = document.getElementById("found");
const byPlatform = [...document.querySelectorAll("[data-on]:not(tr)")];
const paths = [...document.querySelectorAll(".cards path")];
const layers = [...document.querySelectorAll("article.layer")].map((article) => {
  const number = article.id.slice("layer-".length);
  const card = document.getElementById(`card-${number}`);
  const rows = [...article.querySelectorAll("tr[data-package]")];
  const below = card.dataset.below.split(" ").filter(Boolean);
  return { article, card, number, rows, below };
});

// PEP 503: packages are called alike whatever stands between the words of their names.
const plain = (text) => text.trim().toLowerCase().replace(/[-_.]+/g, "-");
const isOn = (element) => !platform || element.dataset.on.split(" ").includes(platform.value);
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function searchLayer(layer, word) {
  const named = word !== "" && plain(layer.article.dataset.name).includes(word);
  let holds = false;
  let shares = false;
  for (const row of layer.rows) {
    const match = word !== "" && row.dataset.package.includes(word);
    const on = isOn(row);
    row.hidden = !on || (word !== "" && !named && !match);
    row.classList.toggle("match", match);
    if (match && on) {
      if (row.closest("table").className === "shares") shares = true;
      else holds = true;
    }
  }
  const shown = word === "" || named || holds || shares;
  layer.article.hidden = !shown;
  layer.card.classList.toggle("dimmed", !shown);
  layer.card.classList.toggle("holds", holds);
  layer.card.classList.toggle("shares", shares && !holds);
  return { shown, named, holds, shares: shares && !holds };
}

function apply() {
  const word = plain(search.value);
  for (const element of byPlatform) element.hidden = !isOn(element);
  const results = layers.map((layer) => searchLayer(layer, word));
  const visible = new Set(layers.filter((_, place) => results[place].shown).map((l) => l.number));
  for (const path of paths) {
    const kept = visible.has(path.dataset.upper) && visible.has(path.dataset.lower);
    path.classList.toggle("dimmed", !kept);
  }
  const count = (key) => results.filter((result) => result[key]).length;
  const parts = [];
  if (count("holds")) parts.push(`installed by ${counted(count("holds"), "layer")}`);
  if (count("shares")) parts.push(`shared by ${counted(count("shares"), "layer")}`);
  if (count("named")) parts.push(`in the name of ${counted(count("named"), "layer")}`);
  found.textContent = word === "" ? "" : `“${search.value.trim()}”: ${parts.join(", ") || "not found"}`;
}

function trace(layer) {
  const chain = new Set(layer ? [layer.number, ...layer.below] : []);
  for (const other of layers) other.card.classList.toggle("chain", chain.has(other.number));
  for (const path of paths) {
    const inside = chain.has(path.dataset.upper) && chain.has(path.dataset.lower);
    path.classList.toggle("chain", inside);
  }
}

for (const layer of layers) {
  for (const element of [layer.card, layer.article]) {
    element.addEventListener("pointerenter", () => trace(layer));
    element.addEventListener("pointerleave", () => trace(null));
    element.addEventListener("focusin", () => trace(layer));
    element.addEventListener("focusout", () => trace(null));
  }
}
search.addEventListener("input", apply);
search.form.addEventListener("submit", (event) => event.preventDefault());
if (platform) platform.addEventListener("change", apply);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape") {
    search.value = "";
    apply();
  }
});
// Links may ask for a search and a platform: ?q=numpy&on=win_amd64
const asked = new URLSearchParams(location.search);
search.value = asked.get("q") ?? search.value;
if (platform && [...platform.options].some((option) => option.value === asked.get("on"))) {
  platform.value = asked.get("on");
}
apply();
