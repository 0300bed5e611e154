"use strict";
const data = JSON.parse(document.getElementById("data").textContent), { words } = data;
const at = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
// Puts values into their places in a text: {name}.
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const percent = (share) => {
  const value = 100 * share;
  if (value === 0) return "0 %";
  if (value < 0.01) return filled(words.less, { share: "0.01 %" });
  return value.toFixed(value < 1 ? 2 : value < 9.95 ? 1 : 0) + " %";
};
const number = (value) => {
  const size = Math.abs(value), short = Number(value.toPrecision(3));
  const text = value === 0 ? "0" : size >= 1e-3 && size < 1e4 ? String(short) : value.toExponential(2).replace("+", "");
  return text.replaceAll("-", "\u2212");
};
// Half precision: a sign, five bits of exponent, ten of fraction.
const half = (bits) => {
  const exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction;
  return bits & 0x8000 ? -size : size;
};

for (const layer of data.layers) {
  const view = new DataView(bytes(layer.values).buffer);
  layer.values = Float32Array.from({ length: layer.width * layer.height }, (_, i) =>
    half(view.getUint16(2 * i, true)) * layer.unit);
  layer.sorted = Float32Array.from(layer.values, Math.abs).sort();
  layer.speaksFor = layer.values.reduce((sum, value) => sum + Math.max(value, 0), 0);
  layer.against = layer.values.reduce((sum, value) => sum + Math.max(-value, 0), 0);
}
const palettes = data.palettes.map(({ unsigned, signed }) => ({ unsigned: bytes(unsigned), signed: bytes(signed) }));
const colorsOf = (layer) => {
  const chosen = at("palette").value, sign = layer.signed ? "signed" : "unsigned";
  return palettes[chosen === "" ? data.suited[Number(layer.signed)] : Number(chosen)][sign];
};

// Values between those of the map, and not colours, lie between them: red and blue do not make purple.
const enlarged = (layer) => {
  if (layer.large) return layer.large;
  const { width, height, values } = layer;
  const times = Math.max(1, Math.floor(768 / Math.max(width, height)));
  const side = (length) => Array.from({ length: length * times }, (_, i) => {
    const at = Math.min(length - 1, Math.max(0, (i + 0.5) / times - 0.5)), low = Math.floor(at);
    return [low, Math.min(length - 1, low + 1), at - low];
  });
  const across = side(width), large = new Float32Array(width * height * times * times);
  let i = 0;
  for (const [top, bottom, down] of side(height)) {
    for (const [left, right, along] of across) {
      const above = values[top * width + left] * (1 - along) + values[top * width + right] * along;
      const below = values[bottom * width + left] * (1 - along) + values[bottom * width + right] * along;
      large[i++] = above * (1 - down) + below * down;
    }
  }
  return (layer.large = { values: large, width: width * times, height: height * times });
};

const map = at("map"), context = map.getContext("2d");
let layer = data.layers[0], cursor = null;

const place = (element, box) => {
  element.style.left = 100 * box[0] + "%";
  element.style.top = 100 * box[1] + "%";
  element.style.width = 100 * box[2] + "%";
  element.style.height = 100 * box[3] + "%";
};
place(at("seen"), data.seen);
at("seen").className = "placed";
for (const box of data.places) {
  const outline = document.createElement("div"), name = document.createElement("span");
  outline.className = "place";
  name.textContent = box.name;
  outline.append(name);
  place(outline, box.box);
  at("places").append(outline);
}

const lines = () => {
  const { regions } = layer, hidden = !regions || !at("regions").checked;
  at("borders").toggleAttribute("hidden", hidden);
  at("shares").hidden = hidden;
  if (!regions) return;
  at("borders").setAttribute("viewBox", `0 0 ${regions.width} ${regions.height}`);
  const [shade, ...borders] = at("borders").children;
  for (const border of borders) border.setAttribute("d", regions.path);
  // Everything else is darker, so that inside and outside are told apart.
  const holes = regions.cells.map((cell) => `M${cell % regions.width} ${Math.floor(cell / regions.width)}h1v1h-1z`);
  shade.setAttribute("d", `M0 0h${regions.width}v${regions.height}H0z` + holes.join(""));
  at("shares").replaceChildren(...regions.labels.map(({ column, row, text }) => {
    const label = document.createElement("span");
    // Above its place, unless the photo begins there.
    label.className = row ? "" : "inside";
    label.textContent = text;
    label.style.left = (100 * column) / regions.width + "%";
    label.style.top = (100 * row) / regions.height + "%";
    return label;
  }));
};

const step = (value) => Math.round(256 * (layer.signed ? 0.5 + 0.5 * value : value));
const draw = () => {
  const strength = at("over").checked ? at("opacity").value / 100 : 0, shown = at("threshold").value / 100;
  const { sorted, scale } = layer, colors = colorsOf(layer), { values, width, height } = enlarged(layer);
  const least = shown === 1 ? 0 : sorted[Math.floor((1 - shown) * sorted.length)];
  // Colours are read on grey; without the map the photo has its own.
  at("photo").className = strength > 0 ? "below" : "";
  at("bar").hidden = strength === 0;
  map.width = width;
  map.height = height;
  const picture = context.createImageData(width, height);
  values.forEach((value, i) => {
    const scaled = scale > 0 ? Math.max(-1, Math.min(1, value / scale)) : 0;
    const color = 3 * step(scaled);
    picture.data.set(colors.subarray(color, color + 3), 4 * i);
    const hidden = Math.abs(value) < least || value === 0;
    picture.data[4 * i + 3] = hidden ? 0 : 255 * strength * Math.abs(scaled);
  });
  context.putImageData(picture, 0, 0);
  const bar = at("colors").getContext("2d"), legend = bar.createImageData(257, 1);
  for (let i = 0; i < 257; i++) legend.data.set([...colors.subarray(3 * i, 3 * i + 3), 255], 4 * i);
  bar.putImageData(legend, 0, 0);
  for (const id of ["opacity", "threshold"]) {
    at(id + "-is").textContent = filled(words[id], { share: at(id).value + " %" });
  }
};

const choose = () => {
  const wanted = data.layers.filter((it) => it.class === at("class").value);
  // Not every method may have been asked about every class.
  for (const option of at("method").options) option.disabled = !wanted.some((it) => it.method === option.value);
  const before = layer;
  layer = wanted.find((it) => it.method === at("method").value) || wanted[0];
  // Regions are read on the photo as it is, and maps of pixels only in their colours.
  if (!before.regions !== !layer.regions) at("over").checked = !layer.regions;
  at("method").value = layer.method;
  at("shown").textContent = layer.method + ", " + layer.class;
  at("answer").textContent = layer.answer;
  at("where").textContent = layer.place;
  map.setAttribute("aria-label", layer.answer + " " + layer.place);
  [...at("tests").children].forEach((test, i) => { test.hidden = data.layers[i] !== layer; });
  lines();
  at("most").textContent = layer.most;
  at("least").textContent = layer.least;
  at("middle").textContent = layer.signed ? "0" : "";
  draw();
  if (cursor) read(...cursor);
};

const read = (x, y) => {
  const { width, height, values, sorted } = layer;
  x = Math.max(0, Math.min(width - 1, x));
  y = Math.max(0, Math.min(height - 1, y));
  cursor = [x, y];
  const value = values[y * width + x], size = Math.abs(value);
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < size) low = middle + 1; else high = middle;
  }
  const total = value < 0 ? layer.against : layer.speaksFor, share = total > 0 ? size / total : 0;
  const whole = !layer.signed ? words.total : value < 0 ? words.against : words.speaksFor;
  const weaker = percent(low / sorted.length);
  at("value").textContent = filled(words.value, { value: number(value), share: percent(share), whole, weaker });
  const mark = at("cursor");
  mark.hidden = false;
  mark.style.left = (100 * (x + 0.5)) / width + "%";
  mark.style.top = (100 * (y + 0.5)) / height + "%";
};

const point = (event) => {
  const box = map.getBoundingClientRect();
  read(Math.floor(((event.clientX - box.left) / box.width) * layer.width),
    Math.floor(((event.clientY - box.top) / box.height) * layer.height));
};
// A tap of a finger moves nothing.
for (const event of ["pointermove", "pointerdown"]) map.addEventListener(event, point);
map.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const move = moves[event.key];
  if (!move) return;
  event.preventDefault();
  const [x, y] = cursor || [layer.width >> 1, layer.height >> 1], far = event.shiftKey ? 10 : 1;
  read(x + far * move[0], y + far * move[1]);
});
document.addEventListener("keydown", (event) => {
  const list = { m: at("method"), c: at("class") }[event.key.toLowerCase()];
  if (!list || !event.target.closest("#stage, #controls")) return;
  if (event.target.tagName === "SELECT" || event.ctrlKey || event.metaKey || event.altKey) return;
  do list.selectedIndex = (list.selectedIndex + 1) % list.options.length;
  while (list.selectedOptions[0].disabled);
  choose();
});

for (const key of ["method", "class"]) {
  for (const name of new Set(data.layers.map((it) => it[key]))) at(key).add(new Option(name, name));
  at(key).addEventListener("change", choose);
}
at("over").addEventListener("change", draw);
// Other colours are no use without a map.
at("palette").addEventListener("change", () => { at("over").checked = true; draw(); });
at("opacity").addEventListener("input", draw);
at("threshold").addEventListener("input", draw);
if (at("regions")) at("regions").addEventListener("change", lines);
if (at("outlines")) at("outlines").addEventListener("change", (event) => { at("places").hidden = !event.target.checked; });
at("controls").addEventListener("submit", (event) => event.preventDefault());
at("class").value = layer.class;
at("method").value = layer.method;
choose();
