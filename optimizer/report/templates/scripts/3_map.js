// The map of a plan: ways with direction and width, places by stage, labels that keep clear of each other.
const MAP = DATA.map;
const LARGEST = { flow: 1, place: 1 };
for (const plan of Object.values(MAP.plans)) {
  for (const [, t] of plan.flows) LARGEST.flow = Math.max(LARGEST.flow, t);
  for (const [k, t] of plan.places) if (MAP.places[k].stage >= 0) LARGEST.place = Math.max(LARGEST.place, t);
}
const measure = document.createElement("canvas").getContext("2d");
const widths = new Map();
function textWidth(text, font) {
  const key = font + text;
  if (!widths.has(key)) {
    measure.font = font;
    widths.set(key, measure.measureText(text).width);
  }
  return widths.get(key);
}

const STAR = [0, -1.2, 0.27, -0.37, 1.14, -0.37, 0.44, 0.14, 0.71, 0.97, 0, 0.46, -0.71, 0.97, -0.44, 0.14, -1.14, -0.37, -0.27, -0.37];
const OUTLINES = {
  "triangle-up": [0, -1.2, 1.1, 0.8, -1.1, 0.8], "triangle-down": [0, 1.2, 1.1, -0.8, -1.1, -0.8],
  "triangle-right": [1.2, 0, -0.8, 1.1, -0.8, -1.1], "triangle-left": [-1.2, 0, 0.8, 1.1, 0.8, -1.1],
  square: [-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9], diamond: [0, -1.3, 1.1, 0, 0, 1.3, -1.1, 0],
  cross: [-0.4, -1.1, 0.4, -1.1, 0.4, -0.4, 1.1, -0.4, 1.1, 0.4, 0.4, 0.4, 0.4, 1.1, -0.4, 1.1, -0.4, 0.4, -1.1, 0.4, -1.1, -0.4, -0.4, -0.4],
  star: STAR,
};
function symbol(shape, x, y, r) {
  if (shape === "circle") return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  const o = OUTLINES[shape] || OUTLINES.square;
  let path = "";
  for (let k = 0; k < o.length; k += 2) path += (k ? "L" : "M") + (x + o[k] * r).toFixed(1) + " " + (y + o[k + 1] * r).toFixed(1);
  return path + "Z";
}
const placeRadius = (t) => Math.sqrt((45 + 330 * Math.min(1, t / LARGEST.place)) / Math.PI);
const flowWidth = (t, layer) => (layer === "buyer" ? 1.2 + 5.8 * Math.sqrt(t / LARGEST.flow) : 0.7 + 2.4 * Math.sqrt(t / LARGEST.flow));
const stageLook = (place) => (place.stage < 0 ? { shape: "star", colour: "var(--ink)" }
  : { shape: MAP.stages[place.stage].shape, colour: `var(--s${MAP.stages[place.stage].colour})` });

// Boxes taken so far; a label goes to the first free spot around its symbol, a line leads to it when it stands off.
class Ground {
  constructor(width, height) { this.width = width; this.height = height; this.boxes = []; }
  take(box) { this.boxes.push(box); }
  isFree([l, t, r, b]) {
    if (l < 3 || t < 3 || r > this.width - 3 || b > this.height - 3) return false;
    return this.boxes.every(([x0, y0, x1, y1]) => r <= x0 || x1 <= l || b <= y0 || y1 <= t);
  }
  spot(x, y, radius, width, height) {
    for (const reach of [2, 12, 24, 38, 54, 74, 96, 122]) {
      const d = radius + reach, q = 0.72 * d;
      const spots = [[d, -height / 2], [-d - width, -height / 2], [-width / 2, -d - height], [-width / 2, d],
        [q, -q - height], [q, q], [-q - width, -q - height], [-q - width, q]];
      for (const [dx, dy] of spots) {
        const box = [x + dx, y + dy, x + dx + width, y + dy + height];
        if (this.isFree(box)) {
          this.take([box[0] - 2, box[1] - 1, box[2] + 2, box[3] + 1]);
          return { box, far: reach > 20 };
        }
      }
    }
    return null;
  }
}

class PlanMap {
  constructor(host, title) {
    this.host = host;
    this.title = title;
    const whole = [0, 0, MAP.width, MAP.height];
    this.windows = [{ home: whole, view: [...whole], name: "World" }];
    if (MAP.detail) this.windows.push({ home: MAP.detail.window, view: [...MAP.detail.window], name: "Where plants crowd" });
    this.tips = new WeakMap();
    host.replaceChildren(...this.windows.map((w, k) => this.panel(w, k)));
  }

  panel(window_, k) {
    window_.svg = draw("svg", { role: "img" });
    const zoom = (factor) => { this.zoom(window_, factor); this.paint(window_, k); };
    const button = (sign, told, act) => make("button", { type: "button", class: "quiet", "aria-label": told + ": " + window_.name + ", " + this.title, onclick: act }, sign);
    this.grab(window_, k);
    return make("figure", { class: "mapbox" }, make("div", { class: "mapbar" }, make("span", {}, window_.name),
      button("+", "Zoom in", () => zoom(0.6)), button("\u2212", "Zoom out", () => zoom(1 / 0.6)),
      button("\u2922", "Whole map", () => { window_.view = [...window_.home]; this.paint(window_, k); })), window_.svg);
  }

  zoom(w, factor, at) {
    const [x, y, width, height] = w.view;
    const wide = Math.min(MAP.width, Math.max(40, width * factor)), tall = (wide * height) / width;
    const [px, py] = at || [0.5, 0.5];
    w.view = [x + px * (width - wide), y + py * (height - tall), wide, tall];
  }

  grab(w, k) {
    let from = null;
    w.svg.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY, ...w.view, false]; });
    w.svg.addEventListener("pointermove", (event) => {
      if (!from || !event.buttons) return showTip(event, this.tips.get(event.target));
      const scale = w.view[2] / w.svg.clientWidth, dx = event.clientX - from[0], dy = event.clientY - from[1];
      if (Math.abs(dx) + Math.abs(dy) < 4) return;
      from[6] = true;
      w.view = [from[2] - dx * scale, from[3] - dy * scale, from[4], from[5]];
      this.paint(w, k);
    });
    w.svg.addEventListener("pointerup", () => { from = null; });
    w.svg.addEventListener("pointerleave", (event) => showTip(event, ""));
    w.svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = w.svg.getBoundingClientRect();
      this.zoom(w, event.deltaY > 0 ? 1.25 : 0.8, [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
      this.paint(w, k);
    }, { passive: false });
    w.svg.addEventListener("click", (event) => {
      const key = event.target.getAttribute && event.target.getAttribute("data-place");
      if (key && DATA.provenance.rows["facilities:" + key]) openDrawer(named(key), { keys: ["facilities:" + key] });
    });
  }

  show(point, other) {
    this.point = point;
    this.only = new Set();
    if (other !== null) {
      const there = new Set(MAP.plans[other].places.map(([k]) => k));
      for (const [k] of MAP.plans[point].places) if (!there.has(k)) this.only.add(k);
    }
    this.windows.forEach((w, k) => this.paint(w, k));
  }

  paint(w, k) {
    const plan = MAP.plans[this.point], width = Math.max(260, w.svg.parentNode.clientWidth), height = (width * w.view[3]) / w.view[2];
    const scale = width / w.view[2], px = ([x, y]) => [(x - w.view[0]) * scale, (y - w.view[1]) * scale];
    const svg = w.svg;
    svg.setAttribute("viewBox", `0 0 ${width} ${height.toFixed(1)}`);
    svg.setAttribute("aria-label", `${w.name}, plan ${this.point}: ${mapSentence(this.point)}`);
    const [left, top, wide, tall] = k ? w.home : [0, 0, 0, 0], [x, y, w_, h_] = w.view;
    const isFine = k === 1 && x >= left - 1 && y >= top - 1 && x + w_ <= left + wide + 1 && y + h_ <= top + tall + 1;
    if (!w.land) w.land = { group: draw("g"), path: draw("path", { class: "land" }), fine: null };
    if (w.land.fine !== isFine) {
      w.land.path.setAttribute("d", isFine ? MAP.detail.land : MAP.land);
      w.land.fine = isFine;
      w.land.group.append(w.land.path);
    }
    w.land.group.setAttribute("transform", `scale(${scale}) translate(${-x} ${-y})`);
    if (!w.front) {
      w.sea = draw("rect", { class: "sea" });
      w.front = draw("g");
      svg.append(w.sea, w.land.group, w.front);
    }
    w.sea.setAttribute("width", width);
    w.sea.setAttribute("height", height);
    const small = width < 700 ? 0.8 : 1;
    const flows = draw("g", {}), arrows = draw("g", {}), ground = new Ground(width, height);
    const ordered = [...plan.flows].sort((a, b) => (MAP.ways[a[0]].layer === "buyer") - (MAP.ways[b[0]].layer === "buyer") || a[1] - b[1]);
    for (const [index, t] of ordered) this.flow(MAP.ways[index], t, px, small, flows, arrows);
    const marks = this.places(plan, px, small, ground, width, height, k);
    const frame = k === 0 && this.windows[1] ? this.rectangle(this.windows[1].view, px) : [];
    w.front.replaceChildren(flows, arrows, ...frame, ...marks);
  }

  rectangle([x, y, wide, tall], px) {
    const [x0, y0] = px([x, y]), [x1, y1] = px([x + wide, y + tall]);
    return [draw("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: "inset" })];
  }

  flow(way, t, px, small, flows, arrows) {
    const start = MAP.places[way.from], look = start ? stageLook(start) : { colour: "var(--muted)" };
    const width = flowWidth(t, way.layer) * small;
    const told = `${start ? start.name : "?"} \u2192 ${way.to >= 0 ? MAP.places[way.to].name : "?"}\n${way.form}, ${mass(t)} a year`
      + (way.mode ? `, by ${way.mode}` : "") + (way.layer === "buyer" ? "" : "\n(among suppliers)");
    for (const piece of way.path) {
      const points = piece.map(px);
      const node = draw("path", { d: "M" + points.map(([x, y]) => x.toFixed(1) + " " + y.toFixed(1)).join("L"), class: "way " + way.layer,
        stroke: look.colour, "stroke-width": width.toFixed(2) });
      this.tips.set(node, told);
      flows.append(node);
      const head = arrowHead(points, 5 + 1.8 * width);
      if (head) arrows.append(draw("path", { d: head, class: "head " + way.layer, fill: look.colour }));
    }
  }

  places(plan, px, small, ground, width, height, k) {
    const inside = ([x, y]) => x > -10 && y > -10 && x < width + 10 && y < height + 10;
    const marks = [], labels = draw("g", { class: "labels" }), symbols = draw("g", {}), lines = draw("g", {});
    const direct = new Set(plan.flows.map(([i]) => MAP.ways[i]).filter((way) => way.layer === "buyer").map((way) => way.from));
    for (const [index, t] of plan.places) {
      const place = MAP.places[index], at = px([place.x, place.y]);
      if (!inside(at)) continue;
      const radius = (place.stage < 0 ? 7 : placeRadius(t)) * small;
      marks.push({ index, place, t, at, radius, weight: place.stage < 0 ? 1e12 : (direct.has(index) ? 1e9 : 0) + t });
      ground.take([at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius]);
    }
    for (const key of plan.passages) {
      const [name, x, y] = MAP.passages[key] || [];
      if (name === undefined || !inside(px([x, y]))) continue;
      const at = px([x, y]);
      marks.push({ passage: true, place: { label: name }, t: 0, at, radius: 3.5, weight: 1e6 });
      ground.take([at[0] - 4, at[1] - 4, at[0] + 4, at[1] + 4]);
    }
    ground.take([0, 0, width, 30]);
    marks.sort((a, b) => b.weight - a.weight);
    const groups = new Map();
    for (const mark of marks) {
      this.symbolOf(mark, symbols);
      const key = mark.place.stage < 0 ? mark.at.map(Math.round).join() : mark.place.key || mark.place.label;
      groups.set(key, [...(groups.get(key) || []), mark]);
    }
    let room = Math.max(6, Math.round(width / (width < 700 ? 75 : 42)));
    for (const group of groups.values()) {
      const { stage, x, y } = group[0].place, isShownBelow = k === 0 && stage >= 0 && this.inDetail(x, y);
      if (room > 0 && !isShownBelow && this.label(group, labels, lines, ground)) room -= 1;
    }
    return [lines, symbols, labels];
  }

  // Whether the window below shows a place, at a scale where its label has room.
  inDetail(x, y) {
    const [left, top, wide, tall] = this.windows[1] ? this.windows[1].view : [0, 0, 0, 0];
    return this.windows[0].view[2] > 2 * wide && x > left && x < left + wide && y > top && y < top + tall;
  }

  symbolOf(mark, symbols) {
    const [x, y] = mark.at, look = mark.passage ? {} : stageLook(mark.place);
    if (this.only.has(mark.index)) symbols.append(draw("circle", { cx: x, cy: y, r: mark.radius + 5, class: "only" }));
    const node = draw("path", { d: symbol(mark.passage ? "circle" : look.shape, x, y, mark.radius), class: mark.passage ? "passage" : "place",
      fill: mark.passage ? "var(--paper)" : look.colour });
    if (mark.place.key) node.setAttribute("data-place", mark.place.key);
    const stage = mark.passage ? "passage on a route" : mark.place.stage < 0 ? "market" : spoken(MAP.stages[mark.place.stage].stage);
    this.tips.set(node, mark.passage ? `${mark.place.label}\n${stage}` : `${mark.place.name}\n${stage}, ${mark.place.country}\n${mass(mark.t)} a year`);
    symbols.append(node);
  }

  label(group, labels, lines, ground) {
    const bold = group[0].place.stage < 0, font = (bold ? "bold " : group[0].passage ? "italic " : "") + "11px Arial, sans-serif";
    const told = group.slice(0, 4).map((m) => (m.passage ? shortened(m.place.label, 30) : `${m.place.label}, ${mass(m.t)}`));
    const wide = Math.max(...told.map((text) => textWidth(text, font))) + 2, tall = 13 * told.length;
    const [x, y] = group[0].at, found = ground.spot(x, y, group[0].radius, wide, tall);
    if (!found) return false;
    const [l, t, r, b] = found.box;
    if (found.far) lines.append(draw("line", { x1: x, y1: y, x2: Math.max(l, Math.min(x, r)), y2: Math.max(t, Math.min(y, b)), class: "leader" }));
    told.forEach((text, k) => labels.append(draw("text", { x: l + 1, y: t + 10 + 13 * k, class: bold ? "market" : group[0].passage ? "narrow" : "" }, text)));
    return true;
  }
}

function arrowHead(points, size) {
  const lengths = points.slice(1).map(([x, y], k) => Math.hypot(x - points[k][0], y - points[k][1]));
  const total = lengths.reduce((a, b) => a + b, 0);
  if (total < 3 * size) return null;
  let rest = 0.58 * total;
  for (let k = 0; k < lengths.length; k += 1) {
    if (rest <= lengths[k] && lengths[k] > 0) {
      const [x0, y0] = points[k], [x1, y1] = points[k + 1], u = (x1 - x0) / lengths[k], v = (y1 - y0) / lengths[k];
      const x = x0 + u * rest, y = y0 + v * rest, h = size / 2, p = (n) => n.toFixed(1);
      return `M${p(x + u * h)} ${p(y + v * h)}L${p(x - u * h - v * h)} ${p(y - v * h + u * h)}L${p(x - u * h + v * h)} ${p(y - v * h - u * h)}Z`;
    }
    rest -= lengths[k];
  }
  return null;
}

// Who delivers to the markets.
function mapSentence(point) {
  const totals = new Map();
  for (const [index, t] of MAP.plans[point].flows) {
    const way = MAP.ways[index];
    if (way.to < 0 || MAP.places[way.to].stage >= 0 || way.from < 0) continue;
    const home = MAP.places[way.from].country;
    totals.set(home, (totals.get(home) || 0) + t);
  }
  const whole = [...totals.values()].reduce((a, b) => a + b, 0);
  if (!whole) return "nothing moves to the markets on a route";
  const parts = [...totals].sort((a, b) => b[1] - a[1]).map(([home, t]) => `${home} ${percent(t / whole)}`);
  return `${mass(whole)} a year reach the markets, from ${listed(parts)}`;
}

function mapLegend() {
  const entry = (shape, colour, text, hollow) => {
    const icon = draw("svg", { viewBox: "-9 -9 18 18", width: 18, height: 18, "aria-hidden": "true" });
    icon.append(draw("path", { d: symbol(shape, 0, 0, 6), fill: colour, stroke: hollow ? "var(--ink)" : "none" }));
    return make("span", { class: "key" }, icon, text);
  };
  const bar = (t, layer) => {
    const icon = draw("svg", { viewBox: "0 0 34 12", width: 34, height: 12, "aria-hidden": "true" });
    icon.append(draw("path", { d: "M1 6H33", class: "way " + layer, stroke: "var(--muted)", "stroke-width": flowWidth(t, layer) }));
    return make("span", { class: "key" }, icon, mass(t) + "/yr");
  };
  const nice = (value) => { const p = 10 ** Math.floor(Math.log10(value)); return [5, 2, 1].map((s) => s * p).find((s) => s <= value); };
  const shown = MAP.stages.filter((stage, k) => MAP.places.some((place) => place.stage === k));
  return [...shown.map((s) => entry(s.shape, `var(--s${s.colour})`, spoken(s.stage))), entry("star", "var(--ink)", "market"),
    Object.keys(MAP.passages).length ? entry("circle", "var(--paper)", "passage on a route", true) : null,
    make("span", { class: "key" }, "Line width:"), bar(nice(LARGEST.flow * 0.1), "buyer"), bar(nice(LARGEST.flow), "buyer"),
    make("span", { class: "key" }, "Pale lines move among suppliers; area of a symbol: output.")].filter(Boolean);
}
