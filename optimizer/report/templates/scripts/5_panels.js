// Panels in words and tables: figures of the plan, portfolio, sentences, parts that other commands added.
const FIGURES = [
  ["cost", "cost_musd", "Cost", musd], ["kg", "cost_usd_per_kg", "Unit cost", usdPerKg], ["loss", "loss_months", "Demand lost", months],
  ["mean", "expected_loss_months", "Mean over shocks", months], ["worst", "worst_loss_months", "Worst shock", months],
  ["bound", "cost_bound_musd", "Proven floor", musd], ["gap", "gap_share", "Gap to the floor", percent],
];

function against(value, other, name) {
  if (name === "gap") return "";
  const change = value - other;
  if (Math.abs(change) < 1e-9 * Math.max(1, Math.abs(other))) return "same";
  return other ? `${change > 0 ? "+" : ""}${percent(change / other)}` : signed(change);
}

function figuresPanel(a, b) {
  const p = pointOf(a), q = b === null ? null : pointOf(b);
  return make("table", { class: "facts" },
    make("caption", { class: "unseen" }, `Figures of plan ${a}${q ? ` against plan ${b}` : ""}`),
    make("thead", {}, make("tr", {}, make("td", {}), make("th", { scope: "col", class: "n a" }, `Plan ${a}`),
      q ? make("th", { scope: "col", class: "n b" }, `Plan ${b}`) : null, q ? make("th", { scope: "col", class: "n" }, "Change") : null)),
    make("tbody", {}, FIGURES.map(([name, column, label, told]) => make("tr", {},
      make("th", { scope: "row" }, make("button", { type: "button", class: "link", onclick: () => openFrontierFigure(a, column, label, told(p[name])) }, label)),
      make("td", { class: "n strong" }, told(p[name])), q ? make("td", { class: "n" }, told(q[name])) : null,
      q ? make("td", { class: "n muted" }, against(p[name], q[name], name)) : null))));
}

// What is chosen, in one sentence: also what a screen reader says.
function tellPlan(a, b) {
  const p = pointOf(a), q = b === null ? null : pointOf(b);
  const best = a === DATA.recommended ? ", recommended" : a === DATA.points[0].point ? ", the cheapest" : "";
  let text = `Plan ${a}${best}: ${musd(p.cost)}, ${usdPerKg(p.kg)}, ${months(p.loss)} of demand lost`;
  if (q) {
    const cost = p.cost / q.cost - 1, loss = q.loss ? 1 - p.loss / q.loss : NaN;
    text += `; ${percentWords(Math.abs(cost))} ${cost >= 0 ? "dearer" : "cheaper"}`;
    if (Number.isFinite(loss)) text += ` and ${percentWords(Math.abs(loss))} ${loss >= 0 ? "less" : "more"} loss`;
    text += ` than plan ${b}`;
  }
  return text + ".";
}

const STATE = { onlyA: (a) => `only plan ${a}`, onlyB: (a, b) => `only plan ${b}`, differs: () => "differs" };
const years = (row) => (row.to > row.from ? `${row.from}\u2013${row.to}` : String(row.from));

function openDeal(row, point) {
  const deals = planOf(point).deals[row.id] || [];
  const keys = DATA.provenance.links[`${row.kind}:${row.id}`] || [];
  openDrawer(`${kindOf(row.kind)[0]}: ${named(row.facility)}`, {
    note: "Decided by the optimisation (portfolio.csv); prices, terms and lead times come from the rows below.",
    told: [["Row", `portfolio.csv: point = ${point}, ${row.kind}, ${row.id}, ${row.from}`], ["In force", years(row)],
      ...(row.t ? [["Largest yearly commitment", mass(row.t)]] : [])],
    columns: [{ title: "Year" }, { title: "Committed, t", n: 1 }, { title: "Taken, t", n: 1 }, { title: "Paid for, t", n: 1 }],
    rows: ["sale", "toll", "running"].includes(row.kind) ? deals.map(([year, ...t]) => [String(year), ...t.map((x) => figure(x))]) : [], keys,
  });
}

const PORTFOLIO = ["kind", "plant", "product", "country", "years", "volume", "other", "note"];
function portfolioTable(a, b) {
  const columns = [{ title: "Plant" }, { title: "Product" }, { title: "Country" }, { title: "Years" }, { title: b === null ? "t/yr" : `Plan ${a}, t/yr`, n: 1 }];
  if (b !== null) columns.push({ title: `Plan ${b}, t/yr`, n: 1 }, { title: "Difference" });
  const groups = new Map();
  for (const row of merged(a, b)) groups.set(row.kind, [...(groups.get(row.kind) || []), row]);
  const rows = [];
  for (const [kind, entries] of groups) {
    rows.push(make("tr", { class: "group" }, make("th", { colspan: columns.length, scope: "colgroup" },
      make("i", { class: "dot", style: `background:var(--${kindOf(kind)[1]})` }), `${kindOf(kind)[0]} (${entries.filter((r) => r.state !== "onlyB").length})`)));
    for (const row of entries) {
      const own = row.state === "onlyB" ? null : row, other = b !== null && row.other;
      rows.push(make("tr", { class: row.state || null, "data-key": `${row.kind}:${row.id}` },
        make("th", { scope: "row" }, make("button", { type: "button", class: "link", title: "Where this comes from", onclick: () => openDeal(row, own ? a : b) }, named(row.facility))),
        make("td", {}, row.product ? named(row.product) : MISSING), make("td", {}, row.country), make("td", { class: "nowrap" }, years(row)),
        make("td", { class: "n" }, own && own.t ? figure(own.t) : own ? "" : MISSING),
        b !== null ? make("td", { class: "n" }, other ? (other.t ? figure(other.t) : "") : MISSING) : null,
        b !== null ? make("td", {}, row.state ? make("span", { class: "badge " + row.state }, STATE[row.state](a, b)) : "") : null));
    }
  }
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Portfolio" }, make("table", {},
    make("caption", { class: "unseen" }, `Portfolio of plan ${a}${b === null ? "" : ` against plan ${b}`}`),
    make("thead", {}, make("tr", {}, columns.map((c) => make("th", { scope: "col", class: c.n ? "n" : null }, c.title)))), make("tbody", {}, rows)));
}
const portfolioCsv = (a, b) => merged(a, b).map((row) => [row.kind, named(row.facility), row.product ? named(row.product) : "", row.country, years(row),
  row.state === "onlyB" ? null : row.t, row.other ? row.other.t : null, row.state ? STATE[row.state](a, b) : ""]);

function stockTable(a, b) {
  const there = new Map(b === null ? [] : planOf(b).stock.map((row) => [`${row.place}|${row.product}`, row]));
  const held = planOf(a).stock, all = [...new Set(held.flatMap((row) => row.years.map(([year]) => year)))].sort();
  const columns = [{ title: "Market" }, { title: "Product" }, { title: "Mean, t", n: 1 }, ...(b === null ? [] : [{ title: `Plan ${b}, t`, n: 1 }]), { title: "Days of demand", n: 1 },
    ...all.map((year) => ({ title: `End ${year}, t`, n: 1 }))];
  const rows = held.map((row) => {
    const years_ = new Map(row.years), other_ = there.get(`${row.place}|${row.product}`);
    return {
      cells: [named(row.place), named(row.product), figure(row.mean), ...(b === null ? [] : [figure(other_ ? other_.mean : 0)]), row.days === null ? MISSING : figure(row.days, 2),
        ...all.map((year) => figure(years_.get(year) ?? 0))],
      open: () => openDrawer(`Stock of ${named(row.product)}`, { note: "Decided by the optimisation (stock.csv, nominal); limits and holding cost come from the rows below.",
        told: [["Rows", `stock.csv: point = ${a}, shock = nominal, place = ${row.place}, product = ${row.product}`]], keys: [`stock_policies:${row.place}|${row.product}`, `markets:${row.place}`] }),
    };
  });
  return rows.length ? table(`Stock of plan ${a}`, columns, rows) : make("p", { class: "note" }, `Plan ${a} holds no stock at the ends of the years.`);
}

function portfolioSentence(a, b) {
  const rows = planOf(a).portfolio, count = (kinds) => rows.filter((row) => kinds.includes(row.kind)).length;
  const parts = [plural(count(["sale", "toll"]), "contract")];
  if (count(["project"])) parts.push(plural(count(["project"]), "sponsored plant"));
  if (count(["qualification"])) parts.push(plural(count(["qualification"]), "new qualification"));
  const stock = planOf(a).stock.reduce((sum, row) => sum + row.mean, 0);
  if (stock > 0.5) parts.push(`${mass(stock)} in stock on average`);
  const differing = b === null ? 0 : merged(a, b).filter((row) => row.state).length;
  return `Plan ${a}: ${listed(parts, 5)}` + (b === null ? "" : differing ? `; ${differing} rows differ from plan ${b}` : `; the same rows as plan ${b}`);
}

function sharesSentence(a, b) {
  const top = (point) => [...planOf(point).shares].sort((x, y) => y[2] - x[2])[0];
  const most = top(a);
  if (!most) return "No output to share";
  const there = b === null ? undefined : planOf(b).shares.find((row) => row[0] === most[0] && row[1] === most[1]);
  return `Largest dependence: ${most[1]} makes ${percent(most[2])} of ${spoken(most[0])} output` + (there ? ` (plan ${b}: ${percent(there[2])})` : "");
}

function costSentence(a, b) {
  const p = pointOf(a), top = planOf(a).costs[0];
  if (b === null) return top ? `${usdPerKg(p.kg)}, ${percent(top[1] / p.kg)} of it ${spoken(top[0])}` : usdPerKg(p.kg);
  const was = new Map(planOf(b).costs.map(([term, kg]) => [term, kg])), change = p.kg - pointOf(b).kg;
  const term = planOf(a).costs.map(([name, kg]) => [name, kg - (was.get(name) || 0)]).sort((x, y) => Math.sign(change) * (y[1] - x[1]))[0];
  return `Plan ${a} costs USD${NB}${figure(Math.abs(change), 2)}/kg ${change >= 0 ? "more" : "less"} than plan ${b}` + (term ? `, most of it ${spoken(term[0])} (${signed(term[1])})` : "");
}

function lossSentence(a) {
  const losses = planOf(a).losses, felt = losses.filter((row) => row[2] >= 0.005);
  if (!losses.length) return "No shocks in this run";
  if (!felt.length) return `Plan ${a} loses nothing under any of ${plural(losses.length, "event")}`;
  return `Plan ${a} stands ${losses.length - felt.length} of ${plural(losses.length, "event")} without loss; the worst takes ${months(felt[0][2])}`;
}

function worstList(a, b) {
  const there = new Map(b === null ? [] : planOf(b).losses.map((row) => [row[0], row[2]]));
  return make("ol", { class: "worst" }, planOf(a).losses.filter((row) => row[2] >= 0.005).slice(0, 3).map(([event, start, loss]) => {
    const entry = EVENTS[event] || { name: event, story: "", rate: 0 };
    const other = there.has(event) ? `; plan ${b} loses ${months(there.get(event))}` : "";
    return make("li", {}, make("button", { type: "button", class: "link", onclick: () => openEvent(event, a) }, entry.name),
      ` takes ${months(loss)}${start ? ` if it starts in ${start}` : ""}${entry.rate ? `, expected about once in ${figure(1 / entry.rate, 2)} years` : ""}${other}. `, make("span", { class: "muted" }, entry.story));
  }));
}

function openEvent(event, point) {
  const row = planOf(point).losses.find((r) => r[0] === event), entry = EVENTS[event] || { name: event, story: "" };
  openDrawer(entry.name, {
    note: entry.story, told: [["Rows", `losses.csv: point = ${point}, shocks of ${event}`]], columns: [{ title: "Start year" }, { title: "Months lost", n: 1 }],
    rows: row ? row[5].map(([year, loss]) => [String(year), figure(Math.round(loss * 1000) / 1000)]) : [], keys: ["events:" + event],
  });
}

function openTerm(term, a, b) {
  if (!term) return;
  const one = (point) => new Map(((planOf(point).costs.find((row) => row[0] === term) || [])[3] || []).map(([y, v]) => [y, v]));
  const first = one(a), second = b === null ? new Map() : one(b), all = [...new Set([...first.keys(), ...second.keys()])].sort();
  openDrawer(capital(spoken(term)), {
    note: "Present value by year, computed from the plan's volumes and the case's prices and terms; the rows sum to the objective and are recomputed by the audit.",
    told: [["Rows", `costs.csv: point = ${a}${b === null ? "" : ` and ${b}`}, term = ${term}`]],
    columns: [{ title: "Year" }, { title: `Plan ${a}, MUSD`, n: 1 }, ...(b === null ? [] : [{ title: `Plan ${b}, MUSD`, n: 1 }])],
    rows: all.map((y) => [String(y), figure(first.get(y) ?? 0), ...(b === null ? [] : [figure(second.get(y) ?? 0)])]),
  });
}

function openShare(datum) {
  openDrawer(`${datum.country}: ${datum.stage}`, { note: "Share of the stage's output by tracked mass over the horizon, computed from the plan's flows without a shock.",
    told: [["Share", percent(datum.end - datum.start)], ["Row", `shares.csv: point = ${datum.point}, stage = ${datum.key}`]] });
}

// Totals of every load, also per kilogram of demand.
function loadTotals(a, b) {
  const columns = [{ title: "Load over the horizon" }, { title: `Plan ${a}`, n: 1 }, ...(b === null ? [] : [{ title: `Plan ${b}`, n: 1 }]), { title: "per kg of demand", n: 1 }];
  const rows = DATA.indicators.filter((name) => planOf(a).loads[name]).map((name) => {
    const { total, unit } = planOf(a).loads[name], there = b === null ? null : planOf(b).loads[name];
    const perKg = DATA.demand_t > 0 ? `${figure(total / DATA.demand_t / 1000)} ${unit}` : MISSING;
    return { cells: [indicatorName(name), load(total, unit), ...(b === null ? [] : [there ? load(there.total, unit) : MISSING]), perKg] };
  });
  return table("Loads of the plan", columns, rows);
}

function openLoad(indicator, key, point) {
  const entry = planOf(point).loads[indicator], row = entry.rows.find((r) => r[0] === key);
  openDrawer(`${indicatorName(indicator)}: ${named(key)}`, { note: "Load over the horizon: the plan's throughput times the footprint of the plant's route (footprints.csv).",
    told: [["Load", row ? load(row[1], entry.unit) : MISSING], ["Row", `environment.csv: point = ${point}, indicator = ${indicator}, facility = ${key}`]], keys: ["facilities:" + key] });
}

// Long tables that the reader has opened.
const openParts = new Set();
function moreButton(entry, count, few, again) {
  return make("button", { type: "button", class: "quiet", "data-more": entry.name, "aria-expanded": String(!few),
    onclick: () => { few ? openParts.add(entry.name) : openParts.delete(entry.name); again(); } }, few ? `Show all ${count} rows` : "Show fewer");
}

// Tables other commands added to the run, shown as they are; those with a point follow the plan chosen.
function partTable(entry, a) {
  const at = entry.columns.findIndex((c) => c.name === "point"), points = [...new Set(at < 0 ? [] : entry.rows.map((row) => row[at]))];
  const rows = entry.follows ? entry.rows.filter((row) => row[at] === a) : entry.rows;
  const isOf = entry.follows || points.length === 1, shown = entry.columns.map((c, k) => [c, k]).filter(([c]) => c.name !== "point" || !isOf);
  const title = isOf ? `${entry.title}, plan ${entry.follows ? a : points[0]}` : entry.title;
  const tell = (value, c) => (typeof value === "number" ? (c.share ? percent(value) : c.whole ? String(value) : figure(value)) : value === true ? "yes" : value === false ? "no" : value ?? "");
  const box = make("div", { class: "part" }, make("div", { class: "bar" }, make("h3", {}, title), csvButton(entry.name, entry.columns.map((c) => c.name), () => rows)));
  const columns = shown.map(([c]) => ({ title: c.title, n: c.number }));
  const few = rows.length > DATA.most && !openParts.has(entry.name);
  const visible = few ? rows.slice(0, DATA.most) : rows;
  box.append(rows.length ? table(title, columns, visible.map((row) => ({ cells: shown.map(([c, k]) => tell(row[k], c)) })))
    : make("p", { class: "note" }, `No rows for plan ${a}.`));
  if (rows.length > DATA.most) box.append(moreButton(entry, rows.length, few, () => { const fresh = partTable(entry, a); box.replaceWith(fresh); fresh.querySelector("[data-more]").focus(); }));
  if (entry.cut) box.append(make("p", { class: "note" }, `${plural(entry.cut, "row")} more in ${entry.name}.csv of the run folder.`));
  if (entry.note && rows.length) box.append(make("p", { class: "note" }, entry.note));
  return box;
}
