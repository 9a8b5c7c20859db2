// Every page works without this file. It adds GOV.UK's behaviour, sorting and filtering of tables, and a warning
// before typed text is lost.
import { initAll } from "./govuk/govuk-frontend.min.js";

const text = (cell) => (cell ? cell.dataset.sortValue ?? cell.textContent.trim() : "");

// "£1,250.00", "−£120.00", "62.5%" as numbers; words ("not given", "–") as null, which sorts last both ways.
function number(words) {
  const plain = words.replace(/[£,%\s]/g, "").replace(/\u2212/g, "-");
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : null;
}

function day(words) {
  const time = Date.parse(/^\d{4}-/.test(words) ? words : `${words} UTC`);
  return Number.isNaN(time) ? null : time;
}

const readers = { numeric: number, date: day };

function sortBy(table, column, kind, direction) {
  const body = table.tBodies[0];
  const read = readers[kind] ?? ((words) => words.toLocaleLowerCase("en-GB") || null);
  const rows = [...body.rows].map((row) => ({ row, value: read(text(row.cells[column])) }));
  rows.sort((a, b) => {
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
    const order = typeof a.value === "number" ? a.value - b.value : a.value.localeCompare(b.value, "en-GB", { numeric: true });
    return order * direction;
  });
  body.append(...rows.map(({ row }) => row));
}

function makeSortable(table, announce) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const kind = head.dataset.sort;
    if (!kind) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "app-sort";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      heads.filter((other) => other.hasAttribute("aria-sort")).forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sortBy(table, column, kind, descending ? -1 : 1);
      announce(`Sorted by ${button.textContent.trim()}, ${descending ? "descending" : "ascending"}`);
    });
  });
}

function makeFilter(table, region, count, number) {
  const box = document.createElement("div");
  box.className = "app-filter";
  const label = document.createElement("label");
  label.className = "govuk-label govuk-label--s";
  label.htmlFor = `filter-${number}`;
  label.textContent = table.dataset.filter;
  const input = document.createElement("input");
  input.className = "govuk-input";
  input.type = "search";
  input.id = label.htmlFor;
  input.autocomplete = "off";
  const rows = [...table.tBodies[0].rows];
  input.addEventListener("input", () => {
    const words = input.value.toLocaleLowerCase("en-GB").split(/\s+/).filter(Boolean);
    rows.forEach((row) => {
      const held = row.textContent.toLocaleLowerCase("en-GB");
      row.hidden = !words.every((word) => held.includes(word));
    });
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = words.length ? `${shown} of ${rows.length} rows shown` : "";
    // A total of all rows under some of them would mislead.
    if (table.tFoot) table.tFoot.hidden = words.length > 0;
  });
  box.append(label, input, count);
  region.before(box);
}

function tables() {
  document.querySelectorAll("table[data-sortable], table[data-filter]").forEach((table, index) => {
    const region = table.closest(".app-table-scroll") ?? table;
    const count = document.createElement("p");
    count.setAttribute("role", "status");
    count.className = table.dataset.filter ? "app-filter__count" : "govuk-visually-hidden";
    if (table.dataset.filter) makeFilter(table, region, count, index + 1);
    else region.before(count);
    if (table.hasAttribute("data-sortable")) makeSortable(table, (words) => { count.textContent = words; });
  });
  // A box that does not scroll is no stop for the keyboard.
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  document.querySelectorAll(".app-table-scroll").forEach((region) => watch.observe(region));
}

function warnBeforeLosing(form) {
  const state = () => JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value instanceof File ? value.name : value]));
  const atStart = state();
  // A form that came back with errors holds text that is not saved either.
  const unsaved = () => document.querySelector(".govuk-error-summary") !== null || state() !== atStart;
  let sending = false;
  form.addEventListener("submit", () => { sending = true; });
  window.addEventListener("pageshow", () => { sending = false; });
  window.addEventListener("beforeunload", (event) => {
    if (!sending && unsaved()) event.preventDefault();
  });
}

// GOV.UK's own guard lasts a second; a slow answer takes longer.
function sendOnce(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
    setTimeout(() => { sent = false; }, 10000);
  });
  window.addEventListener("pageshow", () => { sent = false; });
}

initAll();
tables();
document.querySelectorAll("form[data-warn-unsaved]").forEach(warnBeforeLosing);
document.querySelectorAll('form[method="post"]').forEach((form) => {
  if (form.querySelector("[data-prevent-double-click]")) sendOnce(form);
});
