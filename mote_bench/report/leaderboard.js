"use strict";
// Sorting, filtering and comparing rows, and unfolding what a large page holds packed.
(() => {
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const shown = (cell) => (cell.querySelector("b") || cell).textContent.trim();

  const sortable = (table) => {
    const headings = [...table.tHead.querySelectorAll("th[data-column]")];
    const body = table.tBodies[0];
    const original = [...body.rows];
    for (const heading of headings) {
      const column = Number(heading.dataset.column);
      const button = make("button", "", { type: "button", class: "sort" });
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        for (const other of headings) other.removeAttribute("aria-sort");
        if (before === "descending") return body.append(...original);
        const sign = before === "ascending" ? -1 : 1;
        heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        const key = (row) => row.cells[column].dataset.value ?? "";
        const order = (one, other) => {
          const [a, b] = [key(one), key(other)];
          if (a === "" || b === "") return (a === "") - (b === "");
          return sign * (column ? Number(a) - Number(b) : a.localeCompare(b));
        };
        body.append(...[...original].sort(order));
      });
    }
  };

  const filterable = (section, tools, status) => {
    const field = make("input", "", { type: "search", placeholder: "all" });
    const label = make("label", "Show schemes named ");
    label.append(field);
    tools.append(label);
    const parts = [...section.querySelectorAll("section.scheme")];
    const counts = new Map();
    for (const part of parts) counts.set(part.dataset.family, (counts.get(part.dataset.family) || 0) + 1);
    const family = make("select", "");
    const all = make("option", `all ${parts.length} schemes`, { value: "" });
    family.append(all, ...[...counts].map(([name, count]) => make("option", `${name} (${count})`, { value: name })));
    const families = make("label", "of the family ");
    families.append(family);
    if (counts.size > 1) tools.append(families);
    const opened = [...section.querySelectorAll("details.family")].map((group) => [group, group.open]);
    const draw = () => {
      const wanted = field.value.trim().toLowerCase();
      const meant = (name, one) => name.toLowerCase().includes(wanted)
        && (!family.value || one.dataset.family === family.value || one.classList.contains("control"));
      let count = 0;
      for (const row of section.querySelectorAll("tr[data-row]")) {
        row.hidden = !meant(row.dataset.row, row);
        if (!row.hidden && row.closest("table").dataset.table === "leaks") count += 1;
      }
      for (const part of parts) {
        const named = part.dataset.scheme.toLowerCase().includes(wanted.split(",")[0]);
        part.hidden = !named || Boolean(family.value && part.dataset.family !== family.value);
      }
      const narrowed = Boolean(wanted || family.value);
      for (const [group, open] of opened) {
        group.hidden = !group.querySelector("section.scheme:not([hidden])");
        group.open = narrowed || open;
      }
      status.textContent = narrowed ? `${count} ${count === 1 ? "row" : "rows"}` : "";
    };
    field.addEventListener("input", draw);
    family.addEventListener("change", draw);
  };

  // A link into a folded part opens it, also where the browser doesn't.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let one = target.parentElement; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    target.scrollIntoView();
  };

  const verdict = (cells, names, heading) => {
    const [a, b] = cells.map((cell) => cell.dataset);
    const lower = heading.dataset.better === "lower";
    if (!a.low || !b.low) return "not compared";
    if (Number(a.high) < Number(b.low)) return `${names[lower ? 0 : 1]} is better`;
    if (Number(b.high) < Number(a.low)) return `${names[lower ? 1 : 0]} is better`;
    const resolves = heading.querySelector(".resolves");
    return `not shown: intervals overlap${resolves ? `, ${Math.abs(a.value - b.value).toPrecision(2)} apart; ${resolves.textContent}` : ""}`;
  };

  const comparable = (section, tools, place) => {
    const compared = (table) => table.tHead.querySelector("th[data-better]");
    const tables = [...section.querySelectorAll("table[data-table]")].filter(compared);
    if (!tables.length) return;
    const names = [...(tables.find((one) => one.dataset.table === "leaks") || tables[0]).tBodies[0].rows].map((row) => row.dataset.row);
    const choices = ["Compare ", " with "].map((words) => {
      const label = make("label", words);
      const select = make("select", "");
      select.append(make("option", "–", { value: "" }), ...names.map((name) => make("option", name, { value: name })));
      label.append(select);
      tools.append(label);
      return select;
    });
    const draw = () => {
      place.replaceChildren();
      const [first, second] = choices.map((select) => select.value);
      if (!first || !second || first === second) return;
      const table = make("table", "", { class: "attacks compared" });
      const head = table.createTHead().insertRow();
      for (const title of ["", first, second, "Difference"]) head.append(make("th", title, { scope: "col" }));
      const body = table.createTBody();
      for (const from of tables) {
        const rows = [...from.tBodies[0].rows];
        const exact = (name) => rows.find((one) => one.dataset.row === name);
        // What each attacker gets has one row for all states of a scheme's keys.
        const row = (name) => exact(name) || rows.find((one) => name.startsWith(`${one.dataset.row}, `));
        const pair = [row(first), row(second)];
        if (!pair[0] || !pair[1] || pair[0] === pair[1]) continue;
        for (const heading of from.tHead.querySelectorAll("th[data-better]")) {
          const cells = pair.map((one) => one.cells[Number(heading.dataset.column)]);
          const line = body.insertRow();
          line.append(make("th", heading.dataset.name, { scope: "row" }));
          for (const cell of cells) {
            const span = ["low", "high"].map((end) => Number(cell.dataset[end]).toPrecision(3)).join(", ");
            const small = !cell.querySelector("small.w") ? "" : cell.matches(".threat") ? cell.querySelector("small.w").textContent : ` [${span}]`;
            line.append(make("td", shown(cell) + small));
          }
          line.append(make("td", verdict(cells, pair.map((one) => one.dataset.row), heading)));
        }
      }
      place.append(table);
    };
    for (const select of choices) select.addEventListener("change", draw);
  };

  // The inverse of packing.py: a token that begins with \x02 names an earlier one of at least 24 characters.
  const spelled = (text) => {
    const known = [];
    return text.split("\x01").map((token) => {
      if (token.startsWith("\x02")) return known[parseInt(token.slice(1), 16)];
      if (token.length >= 24) known.push(token);
      return token;
    }).join("");
  };

  const unfold = async (bundle) => {
    try {
      const bytes = Uint8Array.from(atob(bundle.dataset.packed), (one) => one.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      const parts = spelled(await new Response(stream).text()).split("\0");
      for (const place of document.querySelectorAll("[data-part]")) place.innerHTML = parts[Number(place.dataset.part)];
    } catch (error) {
      bundle.append(make("p", `This browser cannot decompress the page (${error}). leaderboard.md and results.csv hold the same figures.`));
    }
    delete bundle.dataset.packed;
  };
  const packed = document.querySelector("[data-packed]");
  Promise.resolve(packed && unfold(packed)).then(() => {
    for (const section of document.querySelectorAll("section[data-board]")) {
      for (const table of section.querySelectorAll("table[data-table]")) sortable(table);
      const tools = section.querySelector(".tools");
      const status = make("span", "", { role: "status" });
      const place = section.querySelector(".comparison");
      filterable(section, tools, status);
      comparable(section, tools, place);
      tools.append(status);
    }
    window.addEventListener("hashchange", reveal);
    if (location.hash) reveal();
  });
})();
