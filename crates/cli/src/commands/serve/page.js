// The page of `undertone serve`: asks the program how it goes, draws it, and gives it captures.
"use strict";

const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 10;
const EVERY_MILLISECONDS = 1000;

const state = {
  chosen: null, // the number of the source that is shown
  names: [], // all sources
  shown: null, // the last snapshot
  order: "latest",
  isPaused: false,
  limit: Infinity, // of an upload, in bytes
  uploads: [], // captures that wait
  awaited: null, // the name of the capture that is being sent: shown once the program has it
  saved: new Map(), // verdicts on uploads, by number of source
  isGone: false,
};

// An element with text or children in it; text is never taken for HTML.
function element(name, content = "", attributes = {}) {
  const made = document.createElement(name);
  made.append(...[content].flat());
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function drawn(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

const count = (number) => number.toLocaleString("en-US");
const percent = (fraction) => (fraction === null ? "–" : `${(fraction * 100).toFixed(1)} %`);

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 999.95 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(bytes)} B` : `${bytes.toFixed(1)} ${units[unit]}`;
}

function duration(seconds) {
  if (seconds < 10) return `${+seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
}

const timeOfDay = (time) => time.slice(11, 19);
const later = (time, seconds) => timeOfDay(new Date(Date.parse(time) + seconds * 1000).toISOString());

function shade(group) {
  const colour = group && group.colour !== null ? `c${group.colour % COLOURS}` : "none";
  return `${colour} ${group?.is_pale ? "pale" : "full"}`;
}

// What is going on

function say(text) {
  byId("message").textContent = text;
  byId("message").hidden = !text;
}

async function ask(path) {
  const answer = await fetch(path);
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

async function look() {
  try {
    const { sources, model, upload_limit_bytes: limit } = await ask("/api/sources");
    if (state.isGone) say("");
    state.isGone = false;
    state.names = sources;
    state.limit = limit;
    byId("model").textContent = `Model: ${model}`;
    choose();
    showNames();
    if (state.chosen !== null) await lookAtChosen();
  } catch (error) {
    state.isGone = true;
    say("The program does not answer any more. What is below is the last that it said.");
  }
}

// Which source is shown: what is being sent, what somebody chose, else the first.
function choose() {
  const numbers = state.names.map((source) => source.number);
  if (state.awaited !== null) {
    const sent = state.names.findLast((source) => source.kind === "upload" && source.number > state.awaited);
    if (sent) {
      state.chosen = sent.number;
      state.awaited = null;
    }
  }
  if (!numbers.includes(state.chosen)) state.chosen = numbers[0] ?? null;
}

async function lookAtChosen() {
  const current = state.names.find((source) => source.number === state.chosen);
  const shown = state.shown;
  const isKnown = shown && shown.number === state.chosen && shown.order === state.order;
  // What has ended stays as it is.
  if (state.isPaused || (isKnown && shown.state !== "following" && current.state !== "following")) return;
  const order = state.order;
  const snapshot = await ask(`/api/sources/${state.chosen}/${order}`);
  if (snapshot.number !== state.chosen || order !== state.order) return;
  state.shown = { ...snapshot, order };
  show();
}

function showNames() {
  byId("drop").classList.toggle("alone", state.names.length === 0);
  byId("view").hidden = state.names.length === 0;
  const nav = byId("sources");
  nav.hidden = state.names.length < 2;
  const wanted = state.names.map(({ number, name }) => `${number} ${name} ${number === state.chosen}`).join("\n");
  if (nav.dataset.shown === wanted) return;
  nav.dataset.shown = wanted;
  nav.replaceChildren(
    ...state.names.map(({ number, name }) => {
      const button = element("button", name, { type: "button", "aria-current": number === state.chosen });
      button.addEventListener("click", () => {
        state.chosen = number;
        pause(false);
        look();
      });
      return button;
    }),
  );
}

function show() {
  const { name, state: now, failure, totals } = state.shown;
  const words = { following: "following", ended: "read to its end", broken: "broken off" };
  byId("name").textContent = name;
  byId("state").textContent = state.isPaused ? "paused" : words[now];
  byId("state").className = now;
  byId("failure").textContent = failure ?? "";
  byId("failure").hidden = !failure;
  const saved = state.saved.get(state.shown.number);
  byId("save").hidden = !saved;
  if (saved) {
    byId("save").href = saved;
    byId("save").download = `${name}.verdicts.jsonl`;
  }
  const tiles = [
    ["sessions told", count(totals.told)],
    ["open", count(totals.open)],
    ["unknown", percent(totals.unknown)],
    ["packets", count(totals.packets)],
    ["bytes told of", size(totals.bytes)],
    ["frames skipped, lost", `${count(totals.skipped)}, ${count(totals.lost)}`],
  ];
  if (totals.unjudged > 0) tiles.push(["without verdict, for want of time", count(totals.unjudged)]);
  if (totals.unasked > 0) tiles.push(["early verdicts left out", count(totals.unasked)]);
  if (totals.drift) tiles.push(["unlike the validation samples in", totals.drift]);
  byId("tiles").replaceChildren(
    ...tiles.map(([title, value]) => element("div", [element("dt", title), element("dd", value)])),
  );
  showClasses();
  showChart();
  showSessions();
}

function showClasses() {
  const groups = state.shown.groups.filter((group) => group.sessions > 0);
  const all = groups.reduce((sum, group) => sum + group.bytes, 0);
  groups.sort((one, other) => other.bytes - one.bytes);
  const rows = groups.map((group) => {
    const part = all > 0 ? group.bytes / all : 0;
    const filled = element("i", "", { class: shade(group) });
    filled.style.width = `${part * 100}%`;
    return element("tr", [
      element("th", [element("span", "", { class: `swatch ${shade(group)}` }), group.name], { scope: "row" }),
      element("td", count(group.sessions)),
      element("td", size(group.bytes)),
      element("td", [percent(part), element("span", filled, { class: "share" })]),
    ]);
  });
  byId("classes").tBodies[0].replaceChildren(...rows);
}

// The chart

function showChart() {
  const { timeline, groups } = state.shown;
  const box = byId("chart");
  const [width, height] = [box.clientWidth, Math.max(box.clientHeight, 180)];
  const [left, bottom, top] = [72, 20, 8];
  const bars = timeline.bytes;
  const seconds = timeline.width_seconds;
  const totals = bars.map((bar) => bar.reduce((sum, bytes) => sum + bytes, 0));
  const highest = ceiling(Math.max(1, ...totals) / seconds);
  const step = (width - left) / Math.max(bars.length, 1);
  const gap = step > 4 ? 1 : 0;
  const y = (rate) => top + (height - top - bottom) * (1 - rate / highest);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img" });
  for (const part of [0, 0.5, 1]) {
    const at = y(highest * part);
    svg.append(drawn("line", { class: "rule", x1: left, x2: width, y1: at, y2: at }));
    svg.append(drawn("text", { x: left - 8, y: at + 4, "text-anchor": "end" }, `${size(highest * part).replace(".0 ", " ")}/s`));
  }
  const below = bars.map(() => 0);
  groups.forEach((group, number) => {
    let path = "";
    bars.forEach((bar, place) => {
      const bytes = bar[number] ?? 0;
      if (bytes === 0) return;
      const from = y(below[place] / seconds);
      below[place] += bytes;
      const to = y(below[place] / seconds);
      path += `M${(left + place * step).toFixed(2)} ${from.toFixed(2)}V${to.toFixed(2)}h${(step - gap).toFixed(2)}V${from.toFixed(2)}z`;
    });
    if (path) svg.append(drawn("path", { class: shade(group), d: path }));
  });
  if (bars.length > 0) {
    const places = width > 520 ? [0, 0.5, 1] : [0, 1];
    for (const part of places) {
      const anchor = { 0: "start", 0.5: "middle", 1: "end" }[part];
      const text = later(timeline.start, part * bars.length * seconds);
      svg.append(drawn("text", { x: left + part * (width - left), y: height - 4, "text-anchor": anchor }, text));
    }
  }
  const peak = Math.max(0, ...totals) / seconds;
  const extent = timeline.is_whole ? "all of it" : "the last minutes";
  const note = `${extent}, ${duration(seconds)} a bar, up to ${size(peak)}/s`;
  svg.setAttribute("aria-label", `Bytes by class over time: ${note}; the table of classes has the sums`);
  byId("chart-note").textContent = bars.length > 0 ? note : "Nothing was told yet.";
  box.replaceChildren(svg);
  svg.addEventListener("pointermove", (event) => point(event, { left, step, y, svg, width }));
  svg.addEventListener("pointerleave", () => unpoint(svg));
}

// The next number above that people like on an axis.
function ceiling(rate) {
  const scale = 10 ** Math.floor(Math.log10(rate));
  return [1, 2, 4, 5, 8, 10].find((round) => round * scale >= rate) * scale;
}

function point(event, { left, step, y, svg, width }) {
  unpoint(svg);
  const { timeline, groups } = state.shown;
  const place = Math.floor((event.offsetX - left) / step);
  const bar = timeline.bytes[place];
  if (!bar) return;
  const x = left + place * step;
  svg.append(drawn("rect", { class: "mark", x, width: step, y: y(0) - (y(0) - 8), height: y(0) - 8 }));
  const parts = bar.map((bytes, group) => [bytes, groups[group].name]).filter(([bytes]) => bytes > 0);
  parts.sort(([one], [other]) => other - one);
  const lines = parts.map(([bytes, name]) => `${name}  ${size(bytes)}`);
  const tip = byId("tip");
  tip.textContent = [later(timeline.start, place * timeline.width_seconds), ...lines].join("\n");
  tip.hidden = false;
  const isRight = x > width / 2;
  tip.style.left = isRight ? "auto" : `${x + 32}px`;
  tip.style.right = isRight ? `${width - x + 32}px` : "auto";
}

function unpoint(svg) {
  svg.querySelector(".mark")?.remove();
  byId("tip").hidden = true;
}

// The sessions

function showSessions() {
  const { sessions, groups, kept } = state.shown;
  const wanted = byId("filter").value.trim().toLowerCase();
  const text = (one) => `${one.protocol} ${one.client} ${one.server} ${one.said ?? ""} ${one.state}`.toLowerCase();
  const found = wanted ? sessions.filter((one) => text(one).includes(wanted)) : sessions;
  byId("sessions").tBodies[0].replaceChildren(...found.map((one) => sessionRow(one, groups)));
  const among = sessions.length < kept ? `the first ${count(sessions.length)} of ${count(kept)}` : count(kept);
  byId("kept").textContent = wanted ? `${count(found.length)} of ${among} sessions` : `${among} sessions`;
}

function sessionRow(one, groups) {
  const said = [element("span", "", { class: `swatch ${shade(groups[one.group])}` }), one.said ?? "…"];
  if (one.nearest) said.push(" ", element("span", `perhaps ${one.nearest}`, { class: "of" }));
  const who = [element("span", `${one.protocol} `, { class: "of" }), one.client, element("span", " → ", { class: "of" }), one.server];
  return element("tr", [
    element("td", timeOfDay(one.start)),
    element("td", who),
    element("td", said),
    element("td", percent(one.confidence)),
    element("td", count(one.packets), { "data-unit": one.packets === 1 ? "packet" : "packets" }),
    element("td", size(one.bytes)),
    element("td", duration(one.seconds)),
    element("td", one.state),
  ]);
}

function pause(isPaused) {
  state.isPaused = isPaused;
  byId("pause").setAttribute("aria-pressed", isPaused);
  if (state.shown) show();
}

// Captures that are dropped here

function take(files) {
  say("");
  for (const file of files) {
    if (file.size > state.limit) {
      say(`${file.name} is larger than ${size(state.limit)}; use \`undertone classify\`.`);
    } else {
      state.uploads.push(file);
    }
  }
  if (byId("uploading").hidden) sendNext();
}

function sendNext() {
  const file = state.uploads.shift();
  byId("uploading").hidden = !file;
  if (!file) return;
  pause(false);
  byId("uploading-name").textContent = file.name;
  byId("progress").value = 0;
  const newest = Math.max(0, ...state.names.map((source) => source.number));
  state.awaited = newest;
  const request = new XMLHttpRequest();
  request.open("PUT", `/api/captures/${encodeURIComponent(file.name)}`);
  request.responseType = "blob";
  request.upload.addEventListener("progress", (event) => {
    byId("progress").value = event.total > 0 ? event.loaded / event.total : 0;
  });
  request.addEventListener("loadend", async () => {
    await look();
    await finished(file, request, newest);
    sendNext();
  });
  request.send(file);
}

async function finished(file, request, newest) {
  state.awaited = null;
  if (request.status === 200) {
    const source = state.names.findLast(({ kind, number }) => kind === "upload" && number > newest);
    if (source) state.saved.set(source.number, URL.createObjectURL(request.response));
    if (state.shown) show();
    return;
  }
  const answer = request.response ? await request.response.text() : "";
  let reason = "the program did not answer";
  try {
    reason = JSON.parse(answer).error;
  } catch {
    // It said nothing that can be shown.
  }
  say(`${file.name}: ${reason}`);
}

// What somebody does

byId("file").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", name === "dragenter" || name === "dragover");
  });
}
document.addEventListener("drop", (event) => take(event.dataTransfer.files));
byId("order").addEventListener("change", (event) => {
  state.order = event.target.value;
  pause(false);
  look();
});
byId("filter").addEventListener("input", () => state.shown && showSessions());
byId("pause").addEventListener("click", () => pause(!state.isPaused));
new ResizeObserver(() => state.shown && showChart()).observe(byId("chart").parentElement);

async function watch() {
  await look();
  setTimeout(watch, state.isGone ? 3 * EVERY_MILLISECONDS : EVERY_MILLISECONDS);
}
watch();
