// Makes the charts of a page interactive. Without it, or where it fails, the drawing of the server stays.
//
//   <figure data-chart="/ui/charts/days?cohort=spring" data-chart-bundle="/ui/static/<hash>/vega.js">
//     <div class="chart-drawing"><svg …></div>
//     <script type="application/json">{spec}</script>      or none: then the spec is fetched from data-chart with as=spec
//   </figure>
//
// The bundle (0.3 MB) is loaded when somebody first points at a chart, touches it or moves the focus to it; with
// data-chart-when="visible", when it is seen. Expressions are interpreted, not compiled, and nothing sets a style but
// by the object model, so `script-src 'self'; style-src 'self'` is enough. Tooltips have the class chart-tooltip.

const loading = new Map();

function load(address) {
  if (!loading.has(address)) {
    loading.set(address, new Promise((done, failed) => {
      const script = document.createElement("script");
      script.type = "module"; // The bundle's names stay out of the page; it sets window.vegaEmbed.
      script.src = address;
      script.onload = done;
      script.onerror = () => { loading.delete(address); failed(new Error(`${address} did not load`)); };
      document.head.append(script);
    }));
  }
  return loading.get(address);
}

async function specOf(figure) {
  const inline = figure.querySelector('script[type="application/json"]');
  if (inline) return JSON.parse(inline.textContent);
  const address = new URL(figure.dataset.chart, location.href);
  address.searchParams.set("as", "spec");
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${address.pathname} answered ${answer.status}`);
  return answer.json();
}

async function liven(figure) {
  if (figure.dataset.chartState) return;
  figure.dataset.chartState = "loading";
  const drawing = figure.querySelector(".chart-drawing") ?? figure;
  const still = drawing.querySelector("svg");
  try {
    const [spec] = await Promise.all([specOf(figure), load(figure.dataset.chartBundle)]);
    const width = Math.floor(drawing.clientWidth);
    const place = document.createElement("div");
    place.className = "chart-live";
    place.hidden = true;
    drawing.append(place);
    delete spec.usermeta;
    await window.vegaEmbed(place, { ...spec, width: width > 160 ? Math.min(width, 1200) : spec.width }, {
      mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, ast: true,
      loader: { load: () => Promise.reject(new Error("charts hold their data")) },
      tooltip: { disableDefaultStyle: true, id: "chart-tooltip", theme: "page" },
    });
    const live = place.querySelector("svg");
    // What the drawing of the server says to a screen reader stays true.
    live.setAttribute("role", "img");
    live.setAttribute("aria-label", still?.querySelector("title")?.textContent ?? spec.description ?? "");
    for (const part of live.querySelectorAll("[aria-roledescription], [aria-label]")) {
      for (const name of ["role", "aria-label", "aria-roledescription"]) part.removeAttribute(name);
    }
    still?.remove();
    place.hidden = false;
    figure.dataset.chartState = "live";
  } catch (problem) {
    drawing.querySelector(".chart-live")?.remove();
    figure.dataset.chartState = "still";
    console.warn("A chart stays as the server drew it:", problem.message);
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) { seen.unobserve(entry.target); liven(entry.target); }
  }
});

export function start(root = document) {
  for (const figure of root.querySelectorAll("figure[data-chart][data-chart-bundle]")) {
    if (figure.dataset.chartWhen === "visible") seen.observe(figure);
    else for (const event of ["pointerenter", "focusin"]) figure.addEventListener(event, () => liven(figure), { once: true });
  }
}

start();
