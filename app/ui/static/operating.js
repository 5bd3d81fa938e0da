// Beyond what HTML does by itself on the pages of operators. Each page works without it.

// One tick for all rows of a list.
for (const all of document.querySelectorAll("[data-select-all]")) {
  const rows = [...document.querySelectorAll(`input[type="checkbox"][name="${all.dataset.selectAll}"]`)];
  const told = document.querySelector("[data-selected]");
  const tell = () => {
    const count = rows.filter((one) => one.checked).length;
    all.checked = count > 0 && count === rows.length;
    all.indeterminate = count > 0 && count < rows.length;
    if (told) told.textContent = count ? `${count} selected` : "None selected";
  };
  all.closest("[hidden]")?.removeAttribute("hidden");
  all.addEventListener("change", () => { for (const one of rows) one.checked = all.checked; tell(); });
  for (const one of rows) one.addEventListener("change", tell);
  tell();
}

// What is shown once is not kept: whoever comes back to this page by the back button finds nothing.
addEventListener("pagehide", () => { for (const one of document.querySelectorAll("[data-secret]")) one.remove(); });
addEventListener("pageshow", (event) => { if (event.persisted && document.querySelector("[data-shown-once]")) location.replace(location.pathname); });

// A long body begins where its problem is.
for (const box of document.querySelectorAll(".lines")) {
  const marked = box.querySelector(".marked");
  if (marked) box.scrollTop = marked.offsetTop - box.clientHeight / 3;
}
