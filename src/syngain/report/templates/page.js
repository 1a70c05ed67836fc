"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const get = (id) => document.getElementById(id);
  const REAL = "#2b7bba", SYNTHETIC = "#d9730d", DROPPED = "#8c96a0", RING = "#d81b60";
  const FONT = { family: 'system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif', size: 12, color: "#57606a" };
  const CONFIG = { displaylogo: false, displayModeBar: false, responsive: true, doubleClick: "reset" };
  const PLAIN = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: FONT, showlegend: false,
    hoverlabel: { bgcolor: "#20262d", bordercolor: "#8c96a0", align: "left", font: { ...FONT, size: 13, color: "#fff" } } };

  // Plotly reads hover text as markup: a row must be escaped before it is drawn.
  const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const wrapped = (text, width) => {
    const lines = [];
    let line = "";
    for (const word of String(text).split(" ").flatMap((part) => part.match(new RegExp(`.{1,${width}}`, "gsu")) || [""])) {
      if (line && line.length + word.length >= width) { lines.push(line); line = word; } else { line = line ? `${line} ${word}` : word; }
    }
    return [...lines, line].map(escaped).join("<br>");
  };
  const short = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

  function drawMap(map) {
    const div = get("map-chart");
    if (!div || !window.Plotly) return;
    const width = div.clientWidth < 600 ? 34 : 56;
    const styles = {
      real: { color: REAL, symbol: "circle", size: 6, opacity: 0.9 },
      synthetic: { color: SYNTHETIC, symbol: "circle", size: 5, opacity: 0.6 },
      dropped: { color: DROPPED, symbol: "x-thin-open", size: 5, opacity: 0.9, line: { width: 1.2, color: DROPPED } },
    };
    const traces = map.traces.map((trace) => ({
      type: "scatter", mode: "markers", name: escaped(trace.name), x: trace.x, y: trace.y, hoverinfo: "text",
      marker: styles[trace.name] || { color: "#7a5aa8", symbol: "diamond", size: 5, opacity: 0.7 },
      unselected: { marker: { opacity: 0.06 } },
      hovertext: trace.text.map((text, i) => {
        const label = trace.label[i] < 0 ? "" : ` · <b>${escaped(map.labels[trace.label[i]])}</b>`;
        return `${escaped(trace.name)}${label}<br>${wrapped(text, width)}<br>${wrapped(trace.prefix + trace.id[i], width)}`;
      }),
    }));
    if (map.rings.length) {
      traces.push({
        type: "scatter", mode: "markers+text", name: "uncovered cluster", x: map.rings.map((r) => r.x), y: map.rings.map((r) => r.y),
        text: map.rings.map((r) => `<b>${r.number}</b>`), textposition: "top right", textfont: { size: 15 }, hoverinfo: "text",
        marker: { symbol: "circle-open", size: 34, color: RING, line: { width: 3, color: RING } },
        hovertext: map.rings.map((r) => `<b>${wrapped(r.name, width)}</b><br>${escaped(r.counts)}` +
          r.examples.map((text) => `<br>– ${wrapped(text, width)}`).join("")),
      });
    }
    const axis = { showticklabels: false, showgrid: false, zeroline: false, ticks: "", title: { text: "" } };
    const named = (text) => (text ? { zeroline: false, automargin: true, title: { text } } : { ...axis });
    const [across, up] = map.axes || [];
    const layout = { ...PLAIN, margin: { l: 8, r: 8, t: 8, b: 8 }, xaxis: named(across), yaxis: named(up), hovermode: "closest", hoverdistance: 12,
      dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom", showlegend: true,
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", itemsizing: "constant" } };
    window.Plotly.newPlot(div, traces, layout, { ...CONFIG, displayModeBar: "hover",
      modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]] });
    highlight(div, map);
  }

  function highlight(div, map) {
    if (map.labels.length < 2) return;
    const select = get("map-label");
    select.append(new Option("all", ""));
    map.labels.forEach((label, place) => select.append(new Option(short(label, 48), String(place))));
    get("map-controls").hidden = false;
    select.addEventListener("change", () => {
      const wanted = map.traces.map((trace) => (select.value === "" ? null
        : trace.label.flatMap((label, i) => (String(label) === select.value ? [i] : []))));
      window.Plotly.restyle(div, { selectedpoints: wanted }, map.traces.map((_, i) => i));
    });
  }

  function drawDistribution(item, place) {
    const div = get(`distribution-${place}`);
    if (!div || !window.Plotly) return;
    div.style.height = `${item.flat ? Math.max(180, item.names.length * 24 + 50) : 300}px`;
    const narrow = div.clientWidth < 600;
    const places = item.names.map((_, i) => i);
    const length = item.flat ? Math.min(44, Math.round(div.clientWidth / 16)) : 14;
    const category = { tickvals: places, ticktext: item.names.map((name) => escaped(short(name, length))), automargin: true, fixedrange: true, showgrid: false, zeroline: false, ticks: "" };
    const amount = { tickformat: "~%", fixedrange: true, rangemode: "tozero", automargin: true, nticks: narrow ? 4 : 6 };
    const bars = [["real", REAL], ["synthetic", SYNTHETIC]].map(([name, color]) => ({
      type: "bar", name, marker: { color }, orientation: item.flat ? "h" : "v", hoverinfo: "text",
      x: item.flat ? item[name] : places, y: item.flat ? places : item[name],
      hovertext: item.names.map((label, i) => `${wrapped(label, 40)}<br>real ${percent(item.real[i])}<br>synthetic ${percent(item.synthetic[i])}`),
    }));
    const layout = { ...PLAIN, barmode: "group", bargap: 0.25, bargroupgap: 0.05, dragmode: false,
      margin: { l: 8, r: 16, t: item.flat ? 24 : 8, b: 8 },
      xaxis: item.flat ? { ...amount, side: "top" } : category, yaxis: item.flat ? { ...category, range: [item.names.length - 0.4, -0.6] } : amount };
    window.Plotly.newPlot(div, bars, layout, CONFIG);
  }

  const percent = (share) => (share === null ? "–" : `${(share * 100).toFixed(share < 0.0995 ? 2 : 1)}%`);

  function drawCurve(item, place) {
    const div = get(`curve-${place}`);
    if (!div || !window.Plotly) return;
    div.style.height = "300px";
    const line = { type: "scatter", mode: "lines", hoverinfo: "skip", line: { width: 0, color: SYNTHETIC }, x: item.x };
    const traces = [
      { ...line, y: item.upper },
      { ...line, y: item.lower, fill: "tonexty", fillcolor: "rgba(217,115,13,.2)" },
      { ...line, y: item.value, mode: "lines+markers", line: { width: 2, color: SYNTHETIC }, marker: { size: 6 }, hoverinfo: "x+y" },
    ];
    window.Plotly.newPlot(div, traces, { ...PLAIN, dragmode: false, margin: { l: 8, r: 16, t: 8, b: 8 },
      xaxis: { title: { text: escaped(item.x_name) }, automargin: true, fixedrange: true }, yaxis: { automargin: true, fixedrange: true } }, CONFIG);
  }

  function dropTable(drops) {
    const body = get("drop-rows");
    if (!body) return;
    const SIZE = 25;
    const collator = new Intl.Collator("en", { numeric: true });
    const reasons = drops.why.map((places) => places.map((place) => drops.reasons[place]).join(", "));
    const keys = { id: drops.id, label: drops.label, why: reasons, score: drops.score, text: drops.text };
    const state = { key: null, down: false, reason: "", find: "", page: 0 };
    drops.reasons.forEach((reason, place) => {
      const n = drops.why.filter((places) => places.includes(place)).length;
      get("drop-reason").append(new Option(`${reason} (${n.toLocaleString("en")})`, String(place)));
    });
    const wanted = (i) => (state.reason === "" || drops.why[i].includes(Number(state.reason))) && (state.find === "" ||
      `${drops.prefix}${drops.id[i]} ${drops.label[i] ?? ""} ${drops.text[i]}`.toLowerCase().includes(state.find));
    const order = (a, b) => {
      const [left, right] = [keys[state.key][a], keys[state.key][b]];
      if (left === null || right === null) return (left === null) - (right === null) || a - b;
      const difference = state.key === "score" ? left - right : collator.compare(left, right);
      return (state.down ? -difference : difference) || a - b;
    };
    const cell = (text, dir = "auto") => {
      const td = document.createElement("td");
      td.dir = dir;
      text.split("_").forEach((part, i) => (i ? td.append("_", document.createElement("wbr"), part) : td.append(part)));
      return td;
    };
    const line = (i) => {
      const tr = document.createElement("tr");
      const score = drops.score[i];
      tr.append(cell(drops.prefix + drops.id[i], "ltr"), cell(drops.label[i] ?? ""), cell(reasons[i]),
        cell(score === null ? "–" : String(Number(score.toPrecision(3)))), cell(drops.text[i]));
      return tr;
    };
    const show = () => {
      const rows = drops.id.map((_, i) => i).filter(wanted);
      if (state.key) rows.sort(order);
      const last = Math.max(0, Math.ceil(rows.length / SIZE) - 1);
      state.page = Math.min(state.page, last);
      const from = state.page * SIZE;
      const shown = rows.slice(from, from + SIZE);
      body.replaceChildren(...shown.map(line));
      get("drop-status").textContent = shown.length ? `${from + 1}–${from + shown.length} of ${rows.length.toLocaleString("en")}` : "no rows";
      get("drop-back").disabled = state.page === 0;
      get("drop-next").disabled = state.page === last;
    };
    const turn = (change) => { Object.assign(state, change); show(); };
    for (const th of document.querySelectorAll(".drops th[data-key]")) {
      th.querySelector("button").addEventListener("click", () => {
        const down = state.key === th.dataset.key && !state.down;
        for (const other of document.querySelectorAll(".drops th[data-key]")) other.setAttribute("aria-sort", "none");
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        turn({ key: th.dataset.key, down, page: 0 });
      });
    }
    get("drop-reason").addEventListener("change", (event) => turn({ reason: event.target.value, page: 0 }));
    get("drop-find").addEventListener("input", (event) => turn({ find: event.target.value.toLowerCase(), page: 0 }));
    get("drop-back").addEventListener("click", () => turn({ page: state.page - 1 }));
    get("drop-next").addEventListener("click", () => turn({ page: state.page + 1 }));
    show();
  }

  function followSections() {
    const links = new Map([...document.querySelectorAll("nav ul a")].map((link) => [link.hash.slice(1), link]));
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        for (const [id, link] of links) link.setAttribute("aria-current", String(id === entry.target.id));
      }
    }, { rootMargin: "-15% 0px -75% 0px" });
    for (const section of document.querySelectorAll("section[id]")) observer.observe(section);
  }

  // A chart needs the width of its place: one in a folded section is drawn when the section is opened first.
  function whenOpened(id, draw) {
    const fold = document.querySelector(`#${id} > .fold`);
    if (!fold) return;
    if (fold.open) { draw(); return; }
    fold.addEventListener("toggle", draw, { once: true });
  }

  // A link into a folded section opens it.
  function revealTarget() {
    const reveal = () => {
      const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (!target) return;
      const inside = target.matches("section") ? target.querySelector(".fold") : target.closest(".fold");
      if (inside && !inside.open) inside.open = true;
      target.scrollIntoView();
    };
    window.addEventListener("hashchange", reveal);
    reveal();
  }

  // A page of paper is narrower than the window, and no resize event tells Plotly so.
  const PAPER = 660;
  const plots = () => [...document.querySelectorAll(".js-plotly-plot")];

  function printing() {
    window.addEventListener("beforeprint", () => {
      for (const div of plots()) window.Plotly.relayout(div, { width: Math.min(PAPER, div.clientWidth) });
      
    });
    window.addEventListener("afterprint", () => {
      for (const div of plots()) window.Plotly.relayout(div, { width: null, autosize: true });
      for (const details of document.querySelectorAll("details[data-shut]")) { details.open = false; delete details.dataset.shut; }
    });
  }

  dropTable(data.drops);
  drawMap(data.map);
  whenOpened("curves", () => data.series.forEach(drawCurve));
  whenOpened("distributions", () => data.distributions.forEach(drawDistribution));
  followSections();
  revealTarget();
  printing();
})();
