// Tables that can be sorted and filtered by any column.

/** Whether a cell passes a filter: `> 0.5`, `<= 3`, `0.4..0.6`, or a text that it contains. */
function passes(cell, filter) {
  const wanted = filter.trim();
  if (!wanted) return true;
  const value = Number(cell.dataset.v);
  const range = wanted.match(/^(-?[\d.e+-]+)\s*\.\.\s*(-?[\d.e+-]+)$/i);
  if (range) return cell.dataset.v !== "" && value >= Number(range[1]) && value <= Number(range[2]);
  const bound = wanted.match(/^(<=|>=|<|>|=)\s*(-?[\d.e+-]+)$/i);
  if (!bound) return cell.textContent.toLowerCase().includes(wanted.toLowerCase());
  if (cell.dataset.v === "") return false;
  const limit = Number(bound[2]);
  return { "<": value < limit, ">": value > limit, "<=": value <= limit, ">=": value >= limit, "=": value === limit }[bound[1]];
}

/** The order of two cells; empty ones last, whichever the direction. */
function compareCells(one, other, direction) {
  const [a, b] = [one.dataset.v, other.dataset.v];
  if (a === "" || b === "") return (a === "") - (b === "");
  const [x, y] = [Number(a), Number(b)];
  return direction * (Number.isNaN(x) || Number.isNaN(y) ? PLAIN.compare(a, b) : x - y);
}

function sortBy(table, heading) {
  const place = [...heading.parentElement.children].indexOf(heading);
  const descending = heading.getAttribute("aria-sort") === "descending";
  const first = heading.classList.contains("number") && !heading.hasAttribute("aria-sort");
  const direction = first || (!descending && heading.getAttribute("aria-sort") === "ascending") ? -1 : 1;
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => compareCells(a.cells[place], b.cells[place], direction));
  body.append(...rows);
}

function filterRows(table) {
  const filters = [...table.querySelectorAll(".filters input")].map((input) => input.value);
  for (const row of table.tBodies[0].rows) {
    row.hidden = !filters.every((filter, place) => passes(row.cells[place], filter));
  }
}

function filterRow(table, headings) {
  const cells = headings.map((heading) => {
    const name = heading.textContent.trim() || "letter";
    const input = element("input", { type: "search", "aria-label": `Filter ${name}`, oninput: () => filterRows(table) });
    if (heading.classList.contains("number")) input.placeholder = "> …";
    const cell = element("th", { class: heading.classList.contains("extra") ? "extra" : null }, input);
    cell.dataset.split = heading.dataset.split;
    return cell;
  });
  return element("tr", { class: "filters", hidden: true }, ...cells);
}

function tableControls(table, headings, filters) {
  const splits = ["test", "val"].filter((split) => headings.some((h) => h.dataset.split === split));
  const group = element("span", { class: "group", role: "group", "aria-label": "Splits" });
  for (const split of splits) {
    const shown = split === splits[0];
    table.classList.toggle(`without-${split}`, !shown);
    group.append(toggle(split, shown, (on) => table.classList.toggle(`without-${split}`, !on)));
  }
  const controls = element("div", { class: "controls" }, splits.length > 1 ? group : null);
  if (table.querySelector("th.extra")) {
    table.classList.add("without-extra");
    controls.append(toggle("all metrics", false, (on) => table.classList.toggle("without-extra", !on)));
  }
  controls.append(toggle("filter", false, (on) => {
    filters.hidden = !on;
    if (on) filters.querySelector("input").focus();
    else for (const input of filters.querySelectorAll("input")) input.value = "";
    filterRows(table);
  }));
  return controls;
}

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  table.classList.add("js");
  for (const heading of headings) {
    const label = heading.textContent.trim() ? null : "letter";
    const button = element("button", { type: "button", class: "sort", "aria-label": label, onclick: () => sortBy(table, heading) });
    button.append(...heading.childNodes);
    heading.append(button);
  }
  const filters = filterRow(table, headings);
  table.tHead.append(filters);
  table.parentElement.before(tableControls(table, headings, filters));
}
