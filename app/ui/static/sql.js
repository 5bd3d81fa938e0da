// The SQL editor: names of tables and columns complete while they are typed; Ctrl+Enter runs. It works without, too.
const form = document.querySelector("[data-sql]");
if (form) {
  const area = form.querySelector("textarea");
  const words = "SELECT FROM WHERE GROUP BY ORDER BY HAVING LIMIT JOIN LEFT JOIN ON USING WITH AS AND OR NOT NULL IS IN BETWEEN LIKE ILIKE EXISTS DISTINCT COUNT SUM AVG MIN MAX COALESCE CASE WHEN THEN ELSE END FILTER OVER PARTITION DESC ASC INTERVAL";
  const known = new Map([...new Set(words.split(" "))].map((word) => [word.toLowerCase(), { text: word, kind: "" }]));
  for (const one of document.querySelectorAll("[data-sql-column]")) known.set(one.dataset.sqlColumn, { text: one.dataset.sqlColumn, kind: "column" });
  for (const one of document.querySelectorAll("[data-sql-table]")) known.set(one.dataset.sqlTable, { text: one.dataset.sqlTable, kind: "table" });
  const most = 12;

  const list = document.createElement("ul");
  list.className = "sql-names";
  list.id = "sql-names";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Names that fit");
  list.hidden = true;
  area.parentElement.append(list);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  area.spellcheck = false;
  let chosen = 0;

  const typed = () => area.value.slice(0, area.selectionStart).match(/[A-Za-z_][A-Za-z0-9_]*$/)?.[0] ?? "";
  const close = () => { list.hidden = true; area.removeAttribute("aria-activedescendant"); };

  function choose(index) {
    chosen = (index + list.children.length) % list.children.length;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    area.setAttribute("aria-activedescendant", list.children[chosen].id);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }

  function take(text) {
    const at = area.selectionStart;
    area.setRangeText(text, at - typed().length, at, "end");
    close();
    area.focus();
  }

  function offer() {
    const begun = typed().toLowerCase();
    const fitting = begun.length < 2 || known.has(begun) ? [] : [...known].filter(([name]) => name.startsWith(begun)).slice(0, most);
    if (!fitting.length) return close();
    list.replaceChildren(...fitting.map(([name, { text, kind }], index) => {
      const item = document.createElement("li");
      item.id = `sql-name-${index}`;
      item.setAttribute("role", "option");
      item.append(text);
      const side = document.createElement("span");
      side.className = "muted";
      side.textContent = kind;
      item.append(side);
      item.addEventListener("mousedown", (event) => { event.preventDefault(); take(text); });
      item.dataset.text = text;
      return item;
    }));
    list.hidden = false;
    choose(0);
    return undefined;
  }

  area.addEventListener("input", offer);
  area.addEventListener("blur", close);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector('[value="run"]'));
    } else if (!list.hidden && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      take(list.children[chosen].dataset.text);
    } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (!list.hidden && event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
  // A file comes back to the same page, whose buttons page.js has put to sleep.
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "csv") setTimeout(() => { for (const one of form.querySelectorAll("button")) one.disabled = false; }, 100);
  });
}
