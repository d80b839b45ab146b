// Folds, hides and searches the drawing. What is said in it is only ever read as text, and
// nothing is made from it: elements are moved, hidden and marked, not written.
"use strict";
(() => {
  const LINE = 20, MARGIN = 12, TOP = 40, ROWS_END = 460, GROUPS_BEGIN = 660, SHOWN = 6;
  const svg = document.querySelector("svg");
  const all = (selector) => [...svg.querySelectorAll(selector)];
  const words = (element) => element.textContent.toLowerCase();
  const number = (element, name) =>
    element.dataset[name] === undefined ? -1 : Number(element.dataset[name]);

  const rows = all(".row").map((element) => ({
    element, words: words(element), id: element.dataset.id, kind: element.dataset.kind,
    depth: number(element, "depth"), owner: number(element, "owner"), folded: false,
    mark: element.querySelector(".mark"), groups: [],
  }));
  const groups = [];
  for (const element of all(".group")) {
    groups[number(element, "group")] = {
      element, box: element.querySelector("rect"), open: false, found: false,
      texts: [...element.querySelectorAll("text")].map((text) => ({ text, words: words(text) })),
      count: element.querySelectorAll(".process").length, rows: [], own: [],
    };
  }
  const order = all(".group").map((element) => groups[number(element, "group")]);
  const frames = all(".frame").map((element) => ({ element, row: number(element, "row") }));
  const nests = all(".nest").map((element) => (
    { element, row: number(element, "row"), parent: number(element, "parent") }));
  const lines = all(".line").map((element) => {
    const line = { element, row: number(element, "row"), group: groups[number(element, "group")] };
    line.common = element.classList.contains("common");
    line.nth = line.group.rows.push(line.row) - 1;
    if (!line.common) {
      line.group.own.push(line.row);
      rows[line.row].groups.push(line.group);
    }
    return line;
  });
  const notes = all(".note");
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const boxes = [...document.querySelectorAll("#kinds input")];

  const hide = (element, hidden) => element.classList.toggle("hidden", hidden);

  // What a search shows: what has the words, all that it lies in, and who is in it.
  function find(query) {
    const parts = query.toLowerCase().split(/\s+/).filter((part) => part !== "");
    const has = (thing) => parts.length > 0 && parts.every((part) => thing.words.includes(part));
    let hits = 0;
    for (const row of rows) {
      row.hit = has(row);
      row.element.classList.toggle("hit", row.hit);
      hits += row.hit ? 1 : 0;
    }
    // Of a group single lines have the words, also those that are not shown at first.
    for (const group of order) {
      group.hit = group.found = false;
      for (const line of group.texts) {
        const hit = has(line);
        line.text.classList.toggle("hit", hit);
        group.hit ||= hit;
        group.found ||= hit && line.text.classList.contains("more");
        hits += hit ? 1 : 0;
      }
    }
    for (const thing of [...rows, ...order]) {
      thing.wanted = parts.length === 0 || thing.hit;
    }
    for (const row of rows.filter((row) => row.hit)) {
      row.groups.forEach((group) => { group.wanted = true; });
    }
    for (const group of order.filter((group) => group.hit)) {
      group.own.forEach((row) => { rows[row].wanted = true; });
    }
    for (let at = rows.length - 1; at >= 0; at--) {
      if (rows[at].wanted && rows[at].owner >= 0) {
        rows[rows[at].owner].wanted = true;
      }
    }
    count.textContent = parts.length === 0 ? "" : `${hits} found`;
  }

  // The same rules as layout.rs, for what is left.
  function place() {
    const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let y = TOP;
    rows.forEach((row) => {
      const owner = rows[row.owner];
      // What is folded away is where its owner is.
      row.inside = owner !== undefined && (owner.folded || owner.inside);
      row.shown = row.wanted && !row.inside && (row.kind === "user" || kinds.has(row.kind));
      hide(row.element, !row.shown);
      row.y = row.shown || owner === undefined ? y : owner.y;
      if (row.shown) {
        row.element.setAttribute("transform", `translate(0 ${y})`);
        y += LINE;
      }
      if (row.mark && row.kind === "user") {
        row.mark.textContent = row.folded ? "▸ " : "▾ ";
        row.element.setAttribute("aria-expanded", String(!row.folded));
      }
    });
    const end = y + MARGIN;
    for (const frame of frames) {
      const row = rows[frame.row];
      let inside = 0;
      for (let at = frame.row + 1; at < rows.length && rows[at].depth > row.depth; at++) {
        inside += rows[at].shown ? 1 : 0;
      }
      hide(frame.element, !row.shown);
      frame.element.setAttribute("y", row.y);
      frame.element.setAttribute("height", (inside + 1) * LINE);
    }
    const middle = (list) => list.reduce((sum, row) => sum + rows[row].y, 0) / list.length;
    let free = TOP;
    for (const group of order) {
      const open = group.open || group.found;
      group.element.classList.toggle("open", open);
      const shown = open ? group.count : Math.min(group.count, SHOWN);
      group.height = (1 + shown + (group.count > shown ? 1 : 0)) * LINE + 6;
      group.want = middle(group.own.length > 0 ? group.own : group.rows) - group.height / 2;
    }
    for (const group of [...order].sort((one, other) => one.want - other.want)) {
      hide(group.element, !group.wanted);
      if (!group.wanted) {
        continue;
      }
      group.y = Math.max(group.want || 0, free);
      free = group.y + group.height + MARGIN;
      group.element.setAttribute("transform", `translate(${GROUPS_BEGIN} ${group.y})`);
      group.box.setAttribute("height", group.height);
    }
    const bend = (ROWS_END + GROUPS_BEGIN) / 2;
    for (const line of lines) {
      const { element, group, nth } = line, row = rows[line.row];
      const shown = group.wanted && row.wanted && (row.kind === "user" || kinds.has(row.kind));
      hide(element, !shown);
      if (shown) {
        const from = row.y + LINE / 2;
        const to = group.y + (nth + 1) * group.height / (group.rows.length + 1);
        element.setAttribute(
          "d", `M${ROWS_END} ${from}C${bend} ${from} ${bend} ${to} ${GROUPS_BEGIN} ${to}`);
      }
    }
    for (const nest of nests) {
      const from = rows[nest.row], to = rows[nest.parent];
      const shown = from.shown && to.wanted && from.y !== to.y;
      hide(nest.element, !shown);
      if (shown) {
        const [a, b, x] = [from.y + LINE / 2, to.y + LINE / 2, ROWS_END + 40];
        nest.element.setAttribute("d", `M${ROWS_END} ${a}C${x} ${a} ${x} ${b} ${ROWS_END} ${b}`);
      }
    }
    const bottom = Math.max(end, free);
    notes.forEach((note, at) => note.setAttribute("y", bottom + at * LINE));
    const height = bottom + notes.length * LINE;
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${height}`);
  }

  // What is searched and folded stands in the address, so that a link or a reload keeps it.
  function remember() {
    const state = new URLSearchParams();
    if (search.value !== "") {
      state.set("q", search.value);
    }
    const folded = rows.filter((row) => row.folded).map((row) => row.id);
    if (folded.length > 0) {
      state.set("fold", folded.join(","));
    }
    history.replaceState(null, "", `#${state}`);
  }

  function recall() {
    const state = new URLSearchParams(location.hash.slice(1));
    search.value = state.get("q") ?? "";
    const folded = new Set((state.get("fold") ?? "").split(","));
    rows.forEach((row) => { row.folded = row.kind === "user" && folded.has(row.id); });
    find(search.value);
    place();
  }

  function onPress(element, act) {
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "button");
    element.addEventListener("click", act);
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        act();
      }
    });
  }

  function light(element, its) {
    const on = (yes) => () =>
      lines.filter(its).forEach((line) => line.element.classList.toggle("lit", yes));
    element.addEventListener("mouseenter", on(true));
    element.addEventListener("mouseleave", on(false));
  }

  rows.forEach((row, at) => {
    light(row.element, (line) => line.row === at);
    if (row.kind === "user") {
      onPress(row.element, () => { row.folded = !row.folded; remember(); place(); });
    }
  });
  groups.forEach((group) => {
    light(group.element, (line) => line.group === group);
    onPress(group.element, () => { group.open = !group.open; place(); });
  });
  const foldAll = (folded) => () => {
    rows.forEach((row) => { row.folded = folded && row.kind === "user"; });
    remember();
    place();
  };
  document.getElementById("fold").addEventListener("click", foldAll(true));
  document.getElementById("unfold").addEventListener("click", foldAll(false));
  boxes.forEach((box) => box.addEventListener("change", place));
  search.addEventListener("input", () => { find(search.value); remember(); place(); });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      search.value = "";
      find("");
      remember();
      place();
    }
  });
  addEventListener("hashchange", recall);
  recall();
})();
