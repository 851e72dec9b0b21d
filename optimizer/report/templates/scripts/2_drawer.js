// The drawer: the row a figure comes from, its source and its confidence.
const CONFIDENCE = {
  reported: "stated by a source", derived: "derived from sources", assumed: "assumed for this model",
  buyer: "stated by the buyer", measured: "measured",
};

function pairs(entries) {
  return make("dl", { class: "pairs" }, entries.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function sourceCard(key) {
  const entry = DATA.provenance.rows[key];
  const source = DATA.provenance.sources[entry.source] || {};
  const told = [
    ["Confidence", make("span", { class: "badge " + (entry.confidence === "assumed" ? "weak" : "") },
      CONFIDENCE[entry.confidence] || entry.confidence || "not stated")],
    ["Source", [source.title || entry.source || "not stated", source.publisher, source.date].filter(Boolean).join(", ")],
  ];
  if (source.url) told.push(["Address", make("span", { class: "address" }, source.url)]);
  if (entry.note) told.push(["Note", entry.note]);
  return make("section", { class: "card" },
    make("h3", {}, capital(spoken(entry.table)) + ": " + key.slice(key.indexOf(":") + 1)),
    make("p", { class: "note" }, entry.table + ".csv, line " + entry.line),
    rangeBar(entry.cells), pairs(told),
    pairs(Object.entries(entry.cells).map(([name, value]) => [spoken(name), value])));
}

// Low, base and high of a figure as a bar, where the row gives them.
function rangeBar(cells) {
  const column = Object.keys(cells).find((name) => /(^|_)low(_|$)/.test(name) && cells[name.replace("low", "high")] !== undefined);
  if (!column) return null;
  const [low, high] = [Number(cells[column]), Number(cells[column.replace("low", "high")])];
  const base = Number(cells[column.replace("_low", "")] ?? cells[column.replace("low", "base")] ?? NaN);
  if (!(high > low)) return null;
  const at = Number.isFinite(base) ? (100 * (base - low)) / (high - low) : null;
  const bar = make("div", { class: "range", role: "img", "aria-label": "from " + low + " to " + high },
    at === null ? null : make("i", {}));
  if (at !== null) bar.firstChild.style.left = Math.max(0, Math.min(100, at)) + "%";
  return make("div", { class: "ranged" }, make("span", {}, "low " + figure(low)), bar, make("span", {}, "high " + figure(high)));
}

let opener = null;
// Open the drawer: title, facts as pairs, a table {columns, rows}, keys of table rows.
function openDrawer(title, { told = [], columns = [], rows = [], keys = [], note = "" } = {}) {
  const drawer = byId("drawer"), body = byId("drawer-body");
  byId("drawer-title").textContent = title;
  const cards = keys.filter((key) => DATA.provenance.rows[key]).map(sourceCard);
  body.replaceChildren(
    ...(note ? [make("p", {}, note)] : []), ...(told.length ? [pairs(told)] : []),
    ...(rows.length ? [table(title, columns, rows.map((cells) => ({ cells })))] : []), ...cards);
  if (!cards.length && keys.length) body.append(make("p", { class: "note" }, "The run keeps no table row of the case for this figure."));
  opener = document.activeElement;
  if (!drawer.open) drawer.showModal();
  body.scrollTop = 0;
}
byId("drawer-close").addEventListener("click", () => byId("drawer").close());
byId("drawer").addEventListener("click", (event) => { if (event.target === byId("drawer")) byId("drawer").close(); });
byId("drawer").addEventListener("close", () => { if (opener && opener.isConnected) opener.focus({ preventScroll: true }); });

// Where a figure of the frontier comes from.
function openFrontierFigure(point, column, label, text) {
  const row = DATA.points.find((p) => p.point === point);
  openDrawer(label + " of plan " + point, {
    note: "Computed by the optimisation; the row stands in frontier.csv of the run folder and is recomputed by the audit.",
    told: [["Shown", text], ["Table", "frontier.csv"], ["Row", "point = " + point], ["Column", column],
      ["Value", String(row.raw[column])]],
  });
}
