// Text in, picture out, while it is typed.
import {about, asJson, ask, asUrl, canvasOf, find, later, milliseconds, show, takeDrops} from "./common.js";

const told = await about;
const EXAMPLES = 14;
// Seconds after which what is shown is faded, and after which a picture that nobody wants any more is not waited for.
const SOON = 0.3,
  PATIENCE = 1;
// Pixels of a side of what is sent to start from; the server makes it as small as its pictures.
const SENT = 512;
let rising = [0],
  init = null,
  wanted = false,
  running = false,
  examples = 0;

const count = () => Number(document.querySelector("[name=count]:checked").value);
const number = id => Number(find(id).value);

function settings() {
  return {
    prompt: find("prompt").value.slice(0, told.prompt_length),
    count: count(),
    seed: Math.min(Math.max(Math.floor(number("seed")) || 0, 0), 2 ** 32 - 1),
    variety: rising[number("variety")],
    guidance: number("guidance") || null,
    negative: find("negative").value.slice(0, told.prompt_length),
    lean: number("lean"),
    style: find("style").value,
    init,
    strength: number("strength"),
  };
}

function label() {
  find("level").textContent = rising[number("variety")] || "none";
  find("guided").textContent = number("guidance") || "by itself";
  find("leaning").textContent = find("lean").value;
  find("far").textContent = find("strength").value;
  find("strength").disabled = !init;
}

// Draw what is asked now. While something is drawn, only the newest wish is kept; one that takes long is given up.
async function update() {
  label();
  wanted = true;
  if (running) return;
  running = true;
  const late = setTimeout(() => document.body.classList.add("late"), 1000 * SOON);
  try {
    while (wanted) {
      wanted = false;
      const asked = settings();
      const aborting = new AbortController(),
        giveUp = setInterval(() => wanted && aborting.abort(), 1000 * PATIENCE);
      try {
        const answer = await ask("api/draw", asJson(asked, aborting.signal));
        show("fault", "");
        if (!answer.pictures.length) continue; // somebody interrupted the server
        paint(asked, answer);
        tell(asked.prompt, answer);
        document.body.dataset.drawn = asked.prompt;
      } catch (error) {
        if (error.name === "AbortError") continue;
        show("fault", error.message);
        if (!error.wait) continue;
        await later(error.wait);
        wanted = true;
      } finally {
        clearInterval(giveUp);
      }
    }
  } finally {
    running = false;
    clearTimeout(late);
    document.body.classList.remove("late");
  }
}

function paint(asked, {pictures, seconds}) {
  const shown = pictures.map(({png, seed}) => {
    const image = document.createElement("img");
    image.src = asUrl(png);
    const what = [asked.prompt || "nothing yet", asked.style].filter(Boolean).join(", ");
    image.alt = `Picture of: ${what}${pictures.length > 1 ? `, seed ${seed}` : ""}`;
    if (pictures.length === 1) return image;
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Seed ${seed}: draw it alone`;
    button.append(image);
    button.onclick = () => {
      find("seed").value = seed;
      document.querySelector("[name=count][value='1']").checked = true;
      update();
    };
    return button;
  });
  find("pictures").dataset.count = pictures.length;
  find("pictures").replaceChildren(...shown);
  find("told").textContent =
    `${pictures.length > 1 ? `${pictures.length} pictures of ` : ""}` +
    `${told.size} \u00d7 ${told.size} pixels in ${milliseconds(seconds)}`;
  find("save").hidden = pictures.length > 1;
  find("save").href = asUrl(pictures[0].png);
  find("save").download = `${named(asked.prompt)}.png`;
}

const named = text =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60) || "picture";

// Notes are sentences; those on closeness and on nothing known are said above the nearest captions instead.
function tell(prompt, {notes, nearest}) {
  const unseen = notes.some(note => note.startsWith("not seen in training")),
    blank = prompt.trim() ? "Nothing of it is known" : "Nothing is asked";
  find("likeness").textContent = !nearest.length
    ? `${blank}: this is the mean of all training pictures.`
    : unseen
      ? "Not seen in training. Closest known:"
      : "Nearest in training:";
  find("notes").replaceChildren(
    ...notes
      .filter(note => !/^not seen in training|mean of all training pictures$/.test(note))
      .map(note => {
        const line = document.createElement("p"),
          [, word, rest] = note.match(/^('.*?')( is not known.*)$/) || [null, "", note],
          name = document.createElement("b");
        name.textContent = word;
        line.append(name, `${rest}.`);
        return line;
      }),
  );
  find("nearest").replaceChildren(
    ...nearest.map(({caption, cosine}) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.textContent = caption;
      chip.title = `Draw this caption; its cosine is ${cosine.toFixed(2)}`;
      chip.onclick = () => choose(caption);
      return chip;
    }),
  );
}

// Fill in a caption, whose style is chosen among the others.
function fill(caption) {
  [find("prompt").value, find("style").value] = parted(caption, told.styles, told.style);
}

// Draw a caption.
function choose(caption) {
  fill(caption);
  find("prompt").focus({preventScroll: true});
  document.body.scrollIntoView({block: "start"});
  update();
}

async function startFrom(file) {
  try {
    init = (await canvasOf(file, {square: SENT})).toDataURL("image/png");
    find("init").src = init;
    show("fault", "");
  } catch (error) {
    show("fault", error.message);
    return;
  }
  find("init").hidden = find("leave").hidden = false;
  find("or-drop").hidden = true;
  await update();
}

// Pictures of some captions, one after the other, and never while something is typed.
async function showKnown() {
  const grid = find("known").querySelector(".grid"),
    every = told.captions.length / EXAMPLES,
    chosen = Array.from({length: EXAMPLES}, (_, n) => told.captions[Math.floor((n + examples) * every)]);
  examples = (examples + 0.381966) % 1;
  const tiles = [...new Set(chosen)].map(caption => {
    const button = document.createElement("button"),
      image = document.createElement("img"),
      text = document.createElement("span");
    button.type = "button";
    text.textContent = caption;
    image.alt = "";
    button.append(image, text);
    button.onclick = () => choose(caption);
    return button;
  });
  grid.replaceChildren(...tiles);
  find("known").hidden = false;
  for (const tile of tiles) {
    while (running) await later(0.1);
    if (!tile.isConnected) return;
    try {
      const {pictures} = await ask("api/draw", asJson({prompt: tile.textContent}));
      if (pictures.length) tile.firstChild.src = asUrl(pictures[0].png);
    } catch (error) {
      await later(error.wait || 1);
    }
  }
}

function begin() {
  rising = [0, ...[...told.levels].reverse()];
  document.title = `${told.set}: ola serve`;
  find("title").textContent = `${told.set}: text in, picture out`;
  find("foot").textContent = `olacore ${told.version}. A downloaded picture keeps its prompt and its settings.`;
  find("chance").hidden = !told.levels.length;
  find("start").hidden = !told.encoder;
  find("styled").hidden = !told.styles.length;
  find("style").append(...told.styles.map(style => new Option(style)));
  if (told.style) find("style").options[0].text = `${told.style}, the usual`;
  find("variety").max = rising.length - 1;
  find("prompt").maxLength = told.prompt_length;
  if (matchMedia("(hover: hover)").matches) find("prompt").focus({preventScroll: true});
  for (const id of ["prompt", "style", "negative", "variety", "seed", "guidance", "lean", "strength"])
    find(id).addEventListener("input", update);
  const withChance = () => {
    if (find("variety").value === "0") find("variety").value = Math.min(3, rising.length - 1);
    update();
  };
  for (const one of document.getElementsByName("count"))
    one.addEventListener("change", () => (count() > 1 ? withChance() : update()));
  find("another").addEventListener("click", () => {
    find("seed").value = Math.floor(Math.random() * 2 ** 32);
    withChance();
  });
  find("asked").addEventListener("submit", event => event.preventDefault());
  find("others").addEventListener("click", showKnown);
  find("init-file").addEventListener("change", ({target}) => {
    if (target.files.length) startFrom(target.files[0]);
    target.value = "";
  });
  find("leave").addEventListener("click", () => {
    init = null;
    find("init").hidden = find("leave").hidden = true;
    find("or-drop").hidden = false;
    update();
  });
  if (told.encoder) takeDrops(find("draw"), startFrom);
  if (!find("prompt").value) fill(told.example);
  update().then(showKnown);
}

if (told) begin();
