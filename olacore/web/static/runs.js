// The curve of a run, while it goes on.
import {about, ask, find, later, list, show} from "./common.js";

const told = await about;
const EVERY = 2;
const [HIGH, LEFT, RIGHT, ABOVE, BELOW] = [300, 60, 12, 28, 40];
let seen = "",
  shown = [];

const svg = (kind, attributes, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
};
const figure = value => (value === null || value === undefined ? "-" : Number(value.toPrecision(4)).toString());

// Round numbers between 0 and the last second, about so many.
function evenly(most, count) {
  const step = 10 ** Math.floor(Math.log10(most / count || 1)),
    every = [1, 2, 5, 10].map(n => n * step).find(one => most / one <= count);
  return Array.from({length: Math.floor(most / every) + 1}, (_, n) => n * every);
}

// Round numbers between two, for a logarithmic axis; at least two of them where any are between.
function byRatio(low, high) {
  for (const steps of [[1], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8], Array.from({length: 90}, (_, n) => 1 + n / 10)]) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      found.push(...steps.map(step => step * 10 ** power).filter(value => value >= low && value <= high));
    if (found.length > 2) return found.length > 8 ? found.filter((_, n) => n % Math.ceil(found.length / 8) === 0) : found;
  }
  return [low, high];
}

function draw(lines) {
  shown = lines;
  const at = lines.map(({seconds, generation}) => seconds ?? generation),
    curves = {training: "loss", validation: "validation_loss"},
    known = Object.values(curves).flatMap(name => lines.map(line => line[name]).filter(value => value > 0));
  if (!known.length) return find("curve").replaceChildren();
  const wide = Math.max(280, find("curve").clientWidth),
    most = Math.max(...at) || 1,
    [low, high] = [Math.min(...known) * 0.97, Math.max(...known) * 1.03];
  const x = value => LEFT + (value / most) * (wide - LEFT - RIGHT),
    y = value => ABOVE + (Math.log(high / value) / Math.log(high / low)) * (HIGH - BELOW - ABOVE);
  const image = svg("svg", {viewBox: `0 0 ${wide} ${HIGH}`, role: "img", "aria-label": "Loss over seconds"});
  for (const value of byRatio(low, high)) {
    image.append(svg("line", {class: "rule", x1: LEFT, x2: wide - RIGHT, y1: y(value), y2: y(value)}));
    image.append(svg("text", {x: LEFT - 8, y: y(value) + 4, "text-anchor": "end"}, figure(value)));
  }
  for (const value of evenly(most, wide / 90))
    image.append(svg("text", {x: x(value), y: HIGH - 20, "text-anchor": "middle"}, figure(value)));
  image.append(svg("text", {x: wide - RIGHT, y: HIGH - 2, "text-anchor": "end"}, "seconds"));
  Object.entries(curves).forEach(([kind, name], place) => {
    const points = lines.map((line, n) => [at[n], line[name]]).filter(([, value]) => value > 0),
      left = LEFT + 110 * place;
    image.append(svg("path", {class: kind, d: points.map(([a, b], n) => `${n ? "L" : "M"}${x(a)},${y(b)}`).join("")}));
    for (const [a, b] of points.length === 1 || kind === "validation" ? points.slice(-1) : [])
      image.append(svg("circle", {class: kind, cx: x(a), cy: y(b), r: 4}));
    image.append(svg("path", {class: kind, d: `M${left},10h22`}), svg("text", {x: left + 28, y: 14}, kind));
  });
  find("curve").replaceChildren(image);
}

async function look() {
  const {runs} = await ask("api/runs"),
    choice = find("run"),
    chosen = runs.includes(choice.value) ? choice.value : runs[0];
  if ([...choice.options].map(one => one.value).join("\n") !== runs.join("\n"))
    choice.replaceChildren(...runs.map(name => new Option(name, name, false, name === chosen)));
  choice.value = chosen;
  choice.hidden = !runs.length;
  show("no-runs", runs.length ? "" : "There is no run yet in the folders that ola serve was started with.");
  if (!chosen) return;
  const {lines, changed, count} = await ask(`api/runs/${encodeURIComponent(chosen)}`),
    key = `${chosen} ${changed} ${count}`;
  if (key === seen) return;
  seen = key;
  draw(lines);
  const last = lines.at(-1) || {};
  list(find("now"), {
    Generation: figure(last.generation),
    Seconds: figure(last.seconds),
    "Validation loss": figure(last.validation_loss),
    Best: figure(last.best_validation_loss),
    "Training loss": figure(last.loss),
    R2: figure(last.validation_r2),
  });
}

async function watch() {
  for (;;) {
    if (!document.hidden) await look().catch(error => show("no-runs", error.message));
    await later(EVERY);
  }
}

if (told && told.runs) {
  find("runs").hidden = false;
  find("run").addEventListener("change", () => look().catch(error => show("no-runs", error.message)));
  addEventListener("resize", () => shown.length && draw(shown));
  watch();
}
