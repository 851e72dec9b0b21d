// Charts: Vega-Lite views made once; a choice only changes their rows.
const CHARTS = DATA.charts;
const EVENTS = DATA.events;
const COLOURS = new Map(DATA.countries.map((name, k) => [name, k < 8 ? `c${k + 1}` : "other"]));
const KIND = {
  sale: ["Contract", "c1"], toll: ["Tolling contract", "c5"], project: ["Sponsored plant", "c3"], qualification: ["Qualification", "c2"],
  running: ["Running contract", "c6"], held: ["Already qualified", "other"],
};
const kindOf = (kind) => KIND[kind] || [capital(spoken(kind)), "c8"];

class Chart {
  constructor(host, spec, onclick) {
    this.host = host;
    this.spec = spec;
    this.onclick = onclick;
  }

  // Named rows → the view. It is embedded with the first rows; later ones change only what differs.
  show(rows, told) {
    this.rows = rows;
    this.told = told;
    this.name();
    if (!this.ready) this.ready = this.embed();
    return this.view ? this.write() : this.ready;
  }

  // The chart is one picture to a screen reader; the runtime has words of its own for it, which say nothing.
  name() {
    this.host.setAttribute("role", "img");
    this.host.setAttribute("aria-label", this.told);
    this.host.removeAttribute("aria-roledescription");
  }

  embed() {
    const first = this.rows, options = { ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: () => {}, mode: "vega", logLevel: 1 };
    const data = this.spec.data.map((entry) => (first[entry.name] ? { ...entry, values: first[entry.name] } : entry));
    return vegaEmbed(this.host, { ...this.spec, data }, options).then(({ view }) => {
      view.addEventListener("mousemove", (event, item) => showTip(event, item && item.datum && item.datum.tip));
      view.addEventListener("mouseout", (event) => showTip(event, ""));
      view.addEventListener("click", (event, item) => { if (item && item.datum) this.onclick(item.datum, event); });
      this.view = view;
      this.name();
      return this.rows === first ? view : this.write();
    });
  }

  write() {
    for (const [name, values] of Object.entries(this.rows)) this.view.data(name, values);
    return this.view.runAsync();
  }
}

const planOf = (point) => DATA.plans[point];
const pointOf = (point) => DATA.points.find((p) => p.point === point);

function frontierRows(a, b) {
  const plans = DATA.points.map((p) => {
    const isA = p.point === a, isB = p.point === b, best = p.point === DATA.recommended;
    const colour = isA ? "var(--accent)" : isB ? "var(--proof)" : "var(--ink)";
    return { point: p.point, loss: p.loss, cost: p.cost, size: isA || isB ? 330 : best ? 120 : 70, stroke: colour,
      fill: isA || isB || p.status === "optimal" ? colour : "var(--paper)", inside: isA ? String(a) : isB ? String(b) : "",
      ink: "var(--paper)", label: isA || isB || !p.numbered ? "" : String(p.point), rank: isA ? 2 : isB ? 1 : 0,
      tip: `Plan ${p.point}${best ? ", recommended" : ""}\n${musd(p.cost)}, ${usdPerKg(p.kg)}\n${months(p.loss)} lost (mean ${figure(p.mean)}, worst ${figure(p.worst)})\nproven: no less than ${musd(p.bound)}, gap ${percent(p.gap)}` };
  }).sort((x, y) => x.rank - y.rank);
  const p = pointOf(a), words = [`Plan ${a}${a === DATA.recommended ? ", recommended" : ""}`, `${musd(p.cost)}, ${months(p.loss)} lost`];
  const right = p.loss > 0.62 * DATA.extent.right;
  return { plans, words: right ? [] : [{ loss: p.loss, cost: p.cost, text: words, ink: "var(--accent-ink)" }] };
}

function sharesRows(a, b) {
  const rows = [];
  const stages = [...new Set(planOf(a).shares.map((row) => row[0]))];
  for (const stage of stages) {
    for (const [slot, point] of [["A", a], ["B", b]]) {
      if (point === null) continue;
      let at = 0;
      for (const [, name, share] of planOf(point).shares.filter((row) => row[0] === stage)) {
        const colour = COLOURS.get(name) || "other";
        rows.push({ stage: spoken(stage), key: stage, slot, point, country: name, start: at, end: Math.min(1, at + share), opacity: slot === "A" ? 1 : 0.5,
          fill: `var(--${colour})`, ink: slot === "A" ? `var(--${colour}-on)` : "var(--ink)", label: share > 0.07 ? `${name} ${percent(share)}` : share > 0.035 ? name : "",
          tip: `${spoken(stage)}, plan ${point}\n${name}: ${percent(share)}` });
        at += share;
      }
    }
  }
  return { rows };
}

function levelRows(point) {
  let at = 0;
  const costs = planOf(point).costs, rows = [], joints = [];
  const names = costs.map(([term]) => capital(spoken(term)));
  costs.forEach(([term, kg, total], k) => {
    rows.push({ term: names[k], key: term, start: at, end: at + kg, right: Math.max(at, at + kg), label: figure(kg), fill: kg < 0 ? "var(--gain)" : "var(--c1)",
      tip: `${names[k]}\n${usdPerKg(kg)}, ${musd(total)} in all` });
    at += kg;
    joints.push({ at, from: names[k], to: k + 1 < names.length ? names[k + 1] : "Total" });
  });
  rows.push({ term: "Total", key: null, start: 0, end: at, right: at, label: usdPerKg(at), fill: "var(--ink)", tip: `Total\n${usdPerKg(at)}` });
  return { rows, joints, totals: [], room: [{ at: 0 }, { at: 1.24 * at }] };
}

function changeRows(a, b) {
  const was = new Map(planOf(b).costs.map(([term, kg]) => [term, kg])), now = new Map(planOf(a).costs.map(([term, kg]) => [term, kg]));
  const terms = [...new Set([...now.keys(), ...was.keys()])].map((term) => [term, (now.get(term) || 0) - (was.get(term) || 0)])
    .filter(([, change]) => Math.abs(change) >= 0.0005).sort((x, y) => y[1] - x[1]);
  let at = [...was.values()].reduce((x, y) => x + y, 0);
  const first = `Plan ${b}`, last = `Plan ${a}`, rows = [], totals = [{ term: first, at }], joints = [];
  rows.push({ term: first, start: at, end: at, right: at, label: usdPerKg(at), fill: "var(--ink)" });
  let before = first;
  for (const [term, change] of terms) {
    const name = capital(spoken(term));
    joints.push({ at, from: before, to: name });
    rows.push({ term: name, key: term, start: at, end: at + change, right: Math.max(at, at + change), label: signed(change),
      fill: change > 0 ? "var(--accent)" : "var(--gain)", tip: `${name}\n${signed(change, 3)} USD/kg against plan ${b}` });
    at += change;
    before = name;
  }
  joints.push({ at, from: before, to: last });
  rows.push({ term: last, start: at, end: at, right: at, label: usdPerKg(at), fill: "var(--ink)" });
  totals.push({ term: last, at });
  const ends = rows.flatMap((row) => [row.start, row.end]), low = Math.min(...ends), high = Math.max(...ends), span = high - low || 1;
  return { rows, joints, totals, room: [{ at: low - 0.06 * span }, { at: high + 0.24 * span }] };
}

function lossRows(a, b) {
  const other = new Map(b === null ? [] : planOf(b).losses.map((row) => [row[0], row[2]]));
  const felt = planOf(a).losses.filter((row) => row[2] >= 0.005 || (other.get(row[0]) || 0) >= 0.005);
  const names = distinct(felt.map((row) => shortened(EVENTS[row[0]] ? EVENTS[row[0]].name : row[0], 44)));
  const rows = [], starts = [], others = [];
  felt.forEach(([event, start, loss, survive, recover, all], k) => {
    const there = other.get(event);
    rows.push({ name: names[k], event, loss, right: Math.max(loss, there || 0), label: figure(Math.round(loss * 100) / 100) + (there === undefined ? "" : `  (${figure(Math.round(there * 100) / 100)})`),
      tip: `${names[k]}\n${months(loss)} lost if it starts in ${start || "any year"}` + (loss >= 0.005 ? `\nfirst cut after ${figure(survive)}, met again after ${figure(recover)} months` : "")
        + (there === undefined ? "" : `\nplan ${b}: ${months(there)}`) });
    for (const [year, value] of all) if (value >= 0.005) starts.push({ name: names[k], event, loss: value, tip: `${names[k]}, start ${year}\n${months(value)}` });
    if (there !== undefined) others.push({ name: names[k], event, loss: there, tip: `${names[k]}, plan ${b}\n${months(there)}` });
  });
  return { rows, starts, others, room: [{ loss: 1.14 * Math.max(0.1, ...rows.map((row) => row.right)) }] };
}

const indicatorName = (key) => {
  const words = spoken(key.replace(/_(kgco2e|m3|kg|t|mwh|kwh|gj)$/i, ""));
  return words.length <= 3 ? words.toUpperCase() : capital(words);
};

function loadRows(indicator, a, b) {
  const load_ = planOf(a).loads[indicator] || { rows: [], unit: "" };
  const there = new Map(b === null || !planOf(b).loads[indicator] ? [] : planOf(b).loads[indicator].rows);
  const names = distinct(load_.rows.map(([key]) => shortened(named(key), 38)));
  const rows = load_.rows.map(([key, value], k) => ({ name: names[k], key, value, right: Math.max(value, there.get(key) || 0), label: load(value, load_.unit.replace(/^kg .*/, "kg")),
    tip: `${named(key)}\n${load(value, load_.unit)}` + (there.has(key) ? `\nplan ${b}: ${load(there.get(key), load_.unit)}` : "") }));
  const others = load_.rows.map(([key], k) => ({ name: names[k], key, value: there.get(key) })).filter((row) => row.value !== undefined);
  return { rows, others, room: [{ value: 1.4 * Math.max(1e-9, ...rows.map((row) => row.right)) }] };
}

// Rows of both plans under one key: what only one has, and what differs.
function merged(a, b) {
  const key = (row) => `${row.kind}:${row.id}:${row.from}`;
  const there = new Map(b === null ? [] : planOf(b).portfolio.map((row) => [key(row), row]));
  const rows = planOf(a).portfolio.map((row) => {
    const other = there.get(key(row));
    there.delete(key(row));
    const differs = other && (other.to !== row.to || Math.abs((other.t || 0) - (row.t || 0)) > 0.05);
    return { ...row, other, state: b === null ? "" : other ? (differs ? "differs" : "") : "onlyA" };
  });
  for (const row of there.values()) rows.push({ ...row, other: row, state: "onlyB" });
  const order = DATA.kinds;
  return rows.map((row, k) => [row, k]).sort(([x, i], [y, j]) => order.indexOf(x.kind) - order.indexOf(y.kind) || i - j).map(([row]) => row);
}

function timelineRows(a, b) {
  const entries = merged(a, b).filter((row) => row.kind !== "held");
  const keys = [...new Set(entries.map((row) => `${row.kind}:${row.id}`))];
  const first = new Map(entries.map((row) => [`${row.kind}:${row.id}`, row]).reverse());
  const names = distinct(keys.map((key) => {
    const row = first.get(key);
    const kind = row.kind === "sale" ? "" : ` \u00b7 ${kindOf(row.kind)[0].toLowerCase()}`;
    return shortened(named(row.facility), 30) + (row.product ? ", " + shortened(named(row.product), 30) : "") + kind;
  }));
  const rows = [], leads = [];
  for (const row of entries) {
    const name = names[keys.indexOf(`${row.kind}:${row.id}`)], [kind, colour] = kindOf(row.kind), ghost = row.state === "onlyB";
    const span = row.to > row.from ? `${row.from}\u2013${row.to}` : String(row.from);
    rows.push({ name, ref: `${row.kind}:${row.id}`, kind: row.kind, from: row.from, to: row.to + 1, fill: ghost ? "var(--paper)" : `var(--${colour})`, stroke: `var(--${colour})`,
      opacity: ghost ? 0.6 : 1, ink: ghost ? "var(--muted)" : `var(--${colour}-on)`, label: row.to - row.from < 1 ? "" : row.t ? `${figure(row.t)} t/yr` : row.kind === "qualification" ? "qualified" : "",
      tip: `${kind}${ghost ? ` (plan ${b} only)` : ""}: ${named(row.facility)}\n${row.product ? named(row.product) + ", " : ""}${span}${row.t ? ", " + figure(row.t) + " t/yr" : ""}` });
    if (row.lead > 0 && !ghost) leads.push({ name, from: row.from - row.lead, to: row.from, fill: `var(--${colour})`, tip: `Preparation of ${figure(row.lead)} years before ${row.from}` });
  }
  return { rows, leads };
}
