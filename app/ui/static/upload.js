// Uploads that say how far they are, and imports whose page moves by itself. Both work without this, too.

for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const says = form.querySelector("[data-upload-says]");
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    request.setRequestHeader("X-CSRF-Token", form.elements.csrf_token.value);
    request.upload.addEventListener("progress", (moved) => {
      if (moved.lengthComputable) says.textContent = moved.loaded < moved.total ? `Uploading, ${Math.round((100 * moved.loaded) / moved.total)} %` : "Looking at every row …";
    });
    request.addEventListener("load", () => {
      if (request.status < 400 && request.responseURL !== form.action) { location.assign(request.responseURL); return; }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const told = page.querySelector(".notice[data-kind=broken] .notice-title") ?? page.querySelector("h1");
      says.textContent = told ? told.textContent : "That did not work. Nothing was entered.";
      says.setAttribute("role", "alert");
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    });
    request.addEventListener("error", () => {
      says.textContent = "The server cannot be reached. Nothing was entered.";
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    });
    request.send(new FormData(form));
  });
}

const running = document.querySelector("[data-import-runs]");
if (running) {
  const bar = running.querySelector("progress");
  const words = running.querySelector(".muted");
  const look = async () => {
    try {
      const answer = await fetch(running.dataset.importRuns, { headers: { Accept: "application/json" } });
      const { run } = await answer.json();
      if (!run || run.outcome) { location.reload(); return; }
      bar.max = run.rows_total || 1;
      bar.value = run.rows_done;
      words.textContent = `${run.rows_done} of ${run.rows_total}`;
    } catch { /* it is asked again */ }
    setTimeout(look, 1500);
  };
  setTimeout(look, 1000);
}
