// The choice of plans, and everything that follows it.
const state = { a: DATA.recommended, b: DATA.points.length > 1 ? (DATA.recommended === DATA.points[0].point ? DATA.points[1].point : DATA.points[0].point) : null };
const views = {};

function picker() {
  const chips = DATA.points.map((p) => {
    const told = `Plan ${p.point}${p.point === DATA.recommended ? ", recommended" : ""}: ${musd(p.cost)}, ${months(p.loss)} lost`;
    const radio = make("input", { type: "radio", name: "plan", value: p.point, "aria-label": told, onchange: () => choose(p.point) });
    return make("label", { class: "chip" + (p.point === DATA.recommended ? " best" : ""), title: told }, radio, make("span", {}, String(p.point)));
  });
  byId("chips").append(...chips);
  const select = byId("other");
  select.append(make("option", { value: "" }, "no plan"), ...DATA.points.map((p) => make("option", { value: p.point },
    `plan ${p.point}${p.point === DATA.points[0].point ? " (cheapest)" : p.point === DATA.recommended ? " (recommended)" : ""}`)));
  select.addEventListener("change", () => compare(select.value === "" ? null : Number(select.value)));
  byId("aside").addEventListener("change", () => { layMaps(); showMaps(); });
}

function choose(point) {
  if (!pointOf(point)) return;
  state.a = point;
  return update();
}

function compare(point) {
  state.b = point !== null && pointOf(point) ? point : null;
  return update();
}

// The plan compared with; none where it is the plan itself.
const other = () => (state.b === state.a ? null : state.b);

function update() {
  const began = performance.now(), a = state.a, b = other();
  delete document.documentElement.dataset.drawn;
  for (const radio of document.querySelectorAll("input[name=plan]")) radio.checked = Number(radio.value) === a;
  for (const chip of document.querySelectorAll(".chip")) chip.classList.toggle("with", Number(chip.firstChild.value) === b);
  byId("other").value = state.b === null ? "" : String(state.b);
  const told = tellPlan(a, b);
  byId("told").textContent = told;
  byId("figures").replaceChildren(figuresPanel(a, b));
  for (const node of document.querySelectorAll("[data-plan=a]")) node.textContent = `plan ${a}`;
  for (const node of document.querySelectorAll("[data-plan=b]")) node.textContent = b === null ? "" : `plan ${b}`;
  document.body.classList.toggle("alone", b === null);
  words(a, b);
  byId("portfolio-table").replaceChildren(portfolioTable(a, b));
  byId("stock-table").replaceChildren(stockTable(a, b));
  byId("worst").replaceChildren(worstList(a, b));
  if (DATA.indicators.length) byId("load-totals").replaceChildren(loadTotals(a, b));
  showTables(a, b);
  const [seen, unseen] = inTurn([["maps", showMaps], ...chartJobs(a, b)]), own = (turn += 1);
  const shown = seen.map(([, job]) => job());
  window.lastChange = { point: a, other: b };
  const rest = unseen.reduce((before, [, job]) => before.then(later).then(() => (turn === own ? job() : null)), Promise.all(shown).then(() => {
    if (turn === own) window.lastChange.shown = performance.now() - began;
  }));
  return rest.then(() => {
    if (turn !== own) return;
    window.lastChange.all = performance.now() - began;
    document.documentElement.dataset.drawn = b === null ? `${a}` : `${a} against ${b}`;
  });
}

// What is in the window is drawn at once, the rest after it; a newer choice drops what is still waiting.
let turn = 0;
const later = () => new Promise((resolve) => { setTimeout(resolve, 0); });
function inTurn(jobs) {
  const isSeen = ([name]) => {
    const box = byId(name).getBoundingClientRect();
    return box.bottom > -100 && box.top < window.innerHeight + 100;
  };
  const seen = jobs.filter(isSeen);
  return [seen, jobs.filter((job) => !seen.includes(job))];
}

function words(a, b) {
  byId("map-finding").textContent = capital(mapSentence(a));
  byId("portfolio-finding").textContent = portfolioSentence(a, b);
  byId("shares-finding").textContent = sharesSentence(a, b);
  byId("cost-finding").textContent = costSentence(a, b);
  byId("loss-finding").textContent = lossSentence(a);
  byId("load-finding").textContent = loadSentence(a, b);
}

function loadSentence(a, b) {
  const loads = Object.entries(planOf(a).loads);
  if (!loads.length) return "No loads in this run";
  return listed(loads.map(([name, entry]) => {
    const there = b !== null && planOf(b).loads[name], change = there && there.total ? entry.total / there.total - 1 : NaN;
    return `${indicatorName(name)}: ${load(entry.total, entry.unit)}` + (Number.isFinite(change) ? ` (${change > 0 ? "+" : ""}${percent(change)})` : "");
  }), 6);
}

function layMaps() {
  const side = byId("aside").checked && other() !== null;
  byId("maps").classList.toggle("side", side);
  byId("map-b").hidden = !side;
}

function showMaps() {
  layMaps();
  views.mapA.show(state.a, other());
  byId("map-a-title").textContent = `Plan ${state.a}`;
  if (byId("map-b").hidden) return;
  views.mapB = views.mapB || new PlanMap(byId("map-b-host"), "compared");
  byId("map-b-title").textContent = `Plan ${other()}`;
  views.mapB.show(other(), state.a);
}

// Place of a chart → what draws it.
function chartJobs(a, b) {
  const job = (name, rows, told) => ["chart-" + name, () => views[name].show(rows(), told())];
  const text = (id) => () => byId(id).textContent + ".";
  byId("change-box").hidden = b === null;
  return [
    job("frontier", () => frontierRows(a, b), () => `Frontier of ${plural(DATA.points.length, "plan")}: cost against months of demand lost. ${tellPlan(a, b)} All figures stand in the table below.`),
    job("timeline", () => timelineRows(a, b), text("portfolio-finding")),
    job("shares", () => sharesRows(a, b), text("shares-finding")),
    job("level", () => levelRows(a), () => `Cost per kilogram of plan ${a} by term: ` + planOf(a).costs.map(([t, kg]) => `${spoken(t)} ${figure(kg)}`).join(", ") + " USD/kg."),
    ...(b === null ? [] : [job("change", () => changeRows(a, b), text("cost-finding"))]),
    job("losses", () => lossRows(a, b), text("loss-finding")),
    ...DATA.indicators.map((name) => job("load-" + name, () => loadRows(name, a, b), () => `${indicatorName(name)} of plan ${a} by plant.`)),
  ];
}

// Tables that say the same as the charts.
function tables(a, b) {
  const eventName = (event) => (EVENTS[event] ? EVENTS[event].name : event);
  const two = (title, digits) => [{ title: `Plan ${a}${title}`, n: 1 }, ...(b === null ? [] : [{ title: `Plan ${b}${title}`, n: 1 }])];
  const there = (rows, test, k) => { const found = b === null ? null : rows(planOf(b)).find(test); return found ? found[k] : 0; };
  return {
    flows: { columns: [{ title: "From" }, { title: "To" }, { title: "Form" }, { title: "By" }, { title: "t/yr", n: 1 }], rows: [...MAP.plans[a].flows].sort((x, y) => y[1] - x[1])
      .map(([k, t]) => { const w = MAP.ways[k]; return { cells: [w.from < 0 ? "" : MAP.places[w.from].name, w.to < 0 ? "" : MAP.places[w.to].name, w.form, w.mode, t],
        open: w.from < 0 ? null : () => openDrawer(MAP.places[w.from].name, { told: [["Flow", `${mass(t)} a year to ${w.to < 0 ? "?" : MAP.places[w.to].name}`], ["Rows", `flows.csv: point = ${a}, shock = nominal, mean of the years`]], keys: ["facilities:" + MAP.places[w.from].key] }) }; }) },
    shares: { columns: [{ title: "Stage" }, { title: "Country" }, ...two(", share")], rows: planOf(a).shares.map(([stage, name, share]) => ({ cells: [spoken(stage), name, share,
      ...(b === null ? [] : [there((p) => p.shares, (r) => r[0] === stage && r[1] === name, 2)])], open: () => openShare({ country: name, stage: spoken(stage), key: stage, start: 0, end: share, point: a }) })), share: [2, 3] },
    costs: { columns: [{ title: "Term" }, { title: `Plan ${a}, MUSD`, n: 1 }, ...two(", USD/kg")], rows: planOf(a).costs.map(([term, kg, total]) => ({ cells: [capital(spoken(term)), total, kg,
      ...(b === null ? [] : [there((p) => p.costs, (r) => r[0] === term, 1)])], open: () => openTerm(term, a, b) })) },
    losses: { columns: [{ title: "Event" }, ...two(", months"), { title: "Worst start" }, { title: "First cut after, months", n: 1 }, { title: "Met again after, months", n: 1 }, { title: "Per year", n: 1 }],
      rows: planOf(a).losses.map(([event, start, loss, survive, recover]) => ({ cells: [eventName(event), loss, ...(b === null ? [] : [there((p) => p.losses, (r) => r[0] === event, 2)]),
        start === null ? "" : String(start), loss >= 0.005 ? survive : null, loss >= 0.005 ? recover : null, EVENTS[event] ? EVENTS[event].rate : null], open: () => openEvent(event, a) })) },
    loads: { columns: [{ title: "Plant" }, { title: "Indicator" }, { title: "Unit" }, ...two("")], rows: DATA.indicators.flatMap((i) => ((planOf(a).loads[i] || {}).rows || []).map(([key, value]) => ({
      cells: [named(key), indicatorName(i), planOf(a).loads[i].unit, value, ...(b === null ? [] : [there((p) => (p.loads[i] || { rows: [] }).rows, (r) => r[0] === key, 1)])], open: () => openLoad(i, key, a) }))) },
  };
}

function showTables(a, b) {
  const all = tables(a, b);
  for (const [name, entry] of Object.entries(all)) {
    const host = byId("table-" + name);
    if (!host.parentNode.open && host.parentNode.tagName === "DETAILS") {
      host.replaceChildren();
      continue;
    }
    const tell = (value, k) => (typeof value === "number" ? ((entry.share || []).includes(k) ? percent(value) : figure(value)) : value ?? MISSING);
    host.replaceChildren(table(`${capital(name)} of plan ${a}`, entry.columns, entry.rows.map((row) => ({ ...row, cells: row.cells.map(tell) }))));
  }
  for (const host of document.querySelectorAll("[data-part]")) {
    const part = DATA.parts[Number(host.getAttribute("data-part"))];
    host.replaceChildren(...part.tables.map((entry) => partTable(entry, a)));
  }
}

function buttons() {
  for (const host of document.querySelectorAll("[data-download]")) {
    const name = host.getAttribute("data-download");
    const columns = () => (name === "portfolio" ? PORTFOLIO : tables(state.a, other())[name].columns.map((c) => c.title));
    const rows = () => (name === "portfolio" ? portfolioCsv(state.a, other()) : tables(state.a, other())[name].rows.map((row) => row.cells));
    host.append(make("button", { type: "button", class: "quiet", "aria-label": `Download ${name} as CSV`, "data-csv": name,
      onclick: () => download(`${DATA.file}-${name}-plan-${state.a}`, columns(), rows()) }, "CSV"));
  }
  const frontier = byId("frontier-csv");
  if (frontier) frontier.append(csvButton("frontier", FIGURES.length ? ["point", ...FIGURES.map((f) => f[1]), "status"] : [], () => DATA.points.map((p) => [p.point, ...FIGURES.map((f) => p[f[0]]), p.status])));
  for (const box of document.querySelectorAll("details")) box.addEventListener("toggle", () => { if (box.open) showTables(state.a, other()); });
  for (const button of document.querySelectorAll("[data-source]")) button.addEventListener("click", () => openDrawer(button.getAttribute("data-title"), { keys: [button.getAttribute("data-source")] }));
  for (const button of document.querySelectorAll("[data-figure]")) {
    const entry = FIGURES.find((f) => f[1] === button.getAttribute("data-figure"));
    button.addEventListener("click", () => openFrontierFigure(DATA.recommended, entry[1], entry[2], entry[3](pointOf(DATA.recommended)[entry[0]])));
  }
  byId("print").addEventListener("click", () => window.print());
  byId("light").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    byId("light").setAttribute("aria-pressed", String(!dark));
  });
}

function keys() {
  const move = (step) => {
    const at = DATA.points.findIndex((p) => p.point === state.a) + step;
    if (DATA.points[at]) choose(DATA.points[at].point);
  };
  byId("chart-frontier").addEventListener("keydown", (event) => {
    const step = { ArrowRight: -1, ArrowLeft: 1, ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Home") choose(DATA.points[0].point);
    else if (event.key === "End") choose(DATA.points[DATA.points.length - 1].point);
    else if (step) move(step);
    else return;
    event.preventDefault();
  });
  byId("earlier").addEventListener("click", () => move(-1));
  byId("later").addEventListener("click", () => move(1));
}

function start() {
  picker();
  buttons();
  keys();
  byId("map-legend").append(...mapLegend());
  const kinds = new Set(DATA.points.flatMap((p) => planOf(p.point).portfolio.map((row) => row.kind)));
  byId("kinds").append(...DATA.kinds.filter((kind) => kinds.has(kind) && kind !== "held").map((kind) => make("li", {}, make("i", { class: "patch", style: `background:var(--${kindOf(kind)[1]})` }), kindOf(kind)[0])));
  views.mapA = new PlanMap(byId("map-a-host"), "chosen");
  const hosted = (name, spec, onclick) => { views[name] = new Chart(byId("chart-" + name), spec, onclick); };
  hosted("frontier", CHARTS.frontier, (datum, event) => { if (datum.point) (event.shiftKey ? compare : choose)(datum.point); });
  hosted("timeline", CHARTS.timeline, (datum) => { const row = merged(state.a, other()).find((r) => `${r.kind}:${r.id}` === datum.ref); if (row) openDeal(row, row.state === "onlyB" ? other() : state.a); });
  hosted("shares", CHARTS.shares, (datum) => { if (datum.country) openShare(datum); });
  hosted("level", CHARTS.waterfall, (datum) => openTerm(datum.key, state.a, other()));
  hosted("change", CHARTS.waterfall, (datum) => openTerm(datum.key, state.a, other()));
  hosted("losses", CHARTS.losses, (datum) => { if (datum.event) openEvent(datum.event, state.a); });
  for (const indicator of DATA.indicators) hosted("load-" + indicator, CHARTS.loads, (datum) => { if (datum.key) openLoad(indicator, datum.key, state.a); });
  for (const title of document.querySelectorAll("[data-indicator]")) title.textContent = indicatorName(title.dataset.indicator);
  update().then(() => { document.documentElement.dataset.ready = "yes"; });
  let waiting = null;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(showMaps, 120); });
}
start();
