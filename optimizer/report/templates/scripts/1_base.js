"use strict";
// Small tools: elements with text only, figures as numbers.py writes them, the tip, CSV files.
const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

// An element; children are elements or text, never markup.
function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined).map((c) => c.nodeType ? c : String(c)));
  return node;
}

function draw(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const MISSING = "\u2013";

function figure(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  if (value === 0) return "0";
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  let text = value.toFixed(Math.min(places, 100));
  if (text.includes(".")) text = text.replace(/0+$/, "").replace(/\.$/, "");
  if (text === "-0") return "0";
  if (Math.abs(value) >= 10000) text = text.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
  return text.replace("-", "\u2212");
}

const NB = "\u00a0";
function mass(tonnes) {
  for (const [unit, scale] of [["Mt", 1e6], ["kt", 1e3]]) {
    if (Math.abs(tonnes) >= scale) return figure(tonnes / scale, Math.abs(tonnes) < 10 * scale ? 2 : 3) + NB + unit;
  }
  if (tonnes !== 0 && Math.abs(tonnes) < 0.1) return "< 0.1" + NB + "t";
  return figure(tonnes, Math.abs(tonnes) >= 100 ? 3 : 2) + NB + "t";
}
const usdPerKg = (value) => "USD" + NB + figure(value) + "/kg";
const musd = (value) => "MUSD" + NB + figure(value);
function percent(share) {
  if (!Number.isFinite(share)) return MISSING;
  if (share !== 0 && Math.abs(share) < 0.0005) return "< 0.1" + NB + "%";
  return figure(100 * share, Math.abs(share) < 0.995 ? 2 : 3) + NB + "%";
}
// The same inside a sentence.
const percentWords = (share) => percent(share).replace("< ", "less than" + NB);
function months(value) {
  const text = figure(Math.round(value * 100) / 100);
  return text + NB + (text === "1" ? "month" : "months");
}
function load(value, unit) {
  if (unit.startsWith("kg")) return (mass(value / 1000) + " " + unit.slice(2).trim()).trim();
  for (const [word, scale] of [["million", 1e6], ["thousand", 1e3]]) {
    if (Math.abs(value) >= scale) return figure(value / scale) + NB + word + " " + unit;
  }
  return (figure(value) + NB + unit).trim();
}
const signed = (value, digits = 2) => (value > 0 ? "+" : "") + figure(value, digits);
const spoken = (key) => key.replace(/[_-]/g, " ");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const named = (key) => DATA.names[key] || key;
const plural = (count, word) => count + NB + word + (count === 1 ? "" : "s");
function listed(words, most = 4) {
  const items = words.length > most ? [...words.slice(0, most - 1), words.length - most + 1 + " more"] : words;
  return items.length > 1 ? items.slice(0, -1).join(", ") + " and " + items[items.length - 1] : items[0] || "none";
}
function shortened(text, letters) {
  let plain = Array.from(text.replace(/\s+/g, " ").trim());
  const bracket = plain.join("").indexOf(" (");
  if (plain.length > letters && bracket > 3 && bracket <= letters) plain = Array.from(plain.join("").slice(0, bracket));
  return plain.length <= letters ? plain.join("") : plain.slice(0, letters - 1).join("").trimEnd() + "\u2026";
}
// Names that differ even where two rows would read the same.
function distinct(names) {
  const seen = new Map();
  return names.map((name) => {
    const count = (seen.get(name) || 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : name + " (" + count + ")";
  });
}

// One tip for all pictures.
const tip = make("div", { class: "tip", role: "presentation", "aria-hidden": "true", hidden: true });
document.body.append(tip);
function showTip(event, text) {
  if (!text) {
    tip.hidden = true;
    return;
  }
  tip.textContent = text;
  tip.hidden = false;
  const width = tip.offsetWidth, height = tip.offsetHeight;
  tip.style.left = Math.max(6, Math.min(event.clientX + 14, window.innerWidth - width - 8)) + "px";
  tip.style.top = (event.clientY + 20 + height > window.innerHeight ? event.clientY - height - 12 : event.clientY + 18) + "px";
}

// CSV with text that a spreadsheet would take for a formula prefixed by an apostrophe, as in the run's own tables.
const FORMULA = /^(?:'|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/;
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = FORMULA.test(value) ? "'" + value : String(value);
  return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}
const asCsv = (columns, rows) => [columns, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
function download(name, columns, rows) {
  const url = URL.createObjectURL(new Blob(["\ufeff" + asCsv(columns, rows)], { type: "text/csv;charset=utf-8" }));
  const link = make("a", { href: url, download: name + ".csv" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
function csvButton(name, columns, rows) {
  const told = "Download " + spoken(name) + " as CSV";
  return make("button", { type: "button", class: "quiet", "aria-label": told, "data-csv": name,
    onclick: () => download(DATA.file + "-" + name, columns, rows()) }, "CSV");
}

// A table. Columns: {name, title, n (a figure)}; a row: {cells, look, open}; `open` makes its first cell a button.
function table(caption, columns, rows) {
  const head = make("tr", {}, columns.map((c) => make("th", { scope: "col", class: c.n ? "n" : null }, c.title)));
  const body = rows.map((row) => make("tr", { class: row.look || null, "data-key": row.key || null },
    row.cells.map((value, k) => {
      const shown = k === 0 && row.open
        ? make("button", { type: "button", class: "link", title: "Where this comes from", onclick: row.open }, value) : value;
      return make(k === 0 ? "th" : "td", { scope: k === 0 ? "row" : null, class: columns[k].n ? "n" : null }, shown);
    })));
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    make("table", {}, make("caption", { class: "unseen" }, caption), make("thead", {}, head), make("tbody", {}, body)));
}
