// Text in, picture out, while it is typed.
"use strict";
const SEEDS = 7,
  EXAMPLES = 21;

function startDrawing() {
  const {size, varieties, styles} = about.set,
    rising = [0, ...[...varieties].reverse()];
  let wanted = false,
    running = false,
    version = 0,
    init = null,
    examples = 0;

  const settings = () => ({
    prompt: find("prompt").value,
    style: find("style").value,
    avoid: find("avoid").value,
    variety: rising[find("variety").value],
    seed: Math.min(Math.max(Math.floor(Number(find("seed").value)) || 0, 0), 2 ** 32 - 1),
    lean: Number(find("lean").value),
    init: find("from").checked ? init : null,
    strength: Number(find("strength").value),
  });

  // Draw what is asked now; while something is drawn, what was typed meanwhile is drawn next, and only the last of it.
  async function update() {
    version++;
    wanted = true;
    find("level").textContent = rising[find("variety").value] || "none";
    find("leaning").textContent = find("lean").value;
    find("far").textContent = find("strength").value;
    find("seed").disabled = find("variety").value === "0";
    find("strength").disabled = !find("from").checked;
    if (running) return;
    running = true;
    try {
      while (wanted) {
        wanted = false;
        const asked = settings(),
          began = performance.now(),
          {result} = await workers.ask("draw", asked);
        paint(find("drawn"), result.pixels, size, size);
        find("drawn").setAttribute("aria-label", `Picture of: ${[asked.prompt || "nothing yet", asked.style].filter(Boolean).join(", ")}`,
        );
        find("told").textContent = `${size} \u00d7 ${size} pixels in ${milliseconds(performance.now() - began)}`;
        tell(asked, result);
        document.body.dataset.drawn = asked.prompt;
        if (!wanted) await others(asked, result.varies);
      }
    } finally {
      running = false;
    }
  }

  function tell({prompt, variety}, {unknown, more, nearest, seen, known, varies}) {
    const lines = unknown.map(([word, read]) => [
      word,
      read.length
        ? ` is not known; read as ${read.map(other => `\u2018${other}\u2019`).join(", ")}.`
        : " is not known, and left out.",
    ]);
    if (more) lines.push(["", `${more} more word${more > 1 ? "s are" : " is"} not known.`]);
    if (variety && !varies)
      lines.push(["", "It leans on no captions, and there are no denoisers: all seeds give this picture."]);
    const asked = prompt.trim() ? "Nothing of it is known" : "Nothing is asked";
    find("likeness").textContent = !known
      ? `${asked}: this is the mean of all training pictures.`
      : seen
        ? "Nearest in training:"
        : "Not seen in training. Closest known:";
    find("notes").replaceChildren(
      ...lines.map(([word, rest]) => {
        const line = document.createElement("p"),
          name = document.createElement("b");
        name.textContent = word && `\u2018${word}\u2019`;
        line.append(name, rest);
        return line;
      }),
    );
    find("nearest").replaceChildren(
      ...nearest.map(([caption, cosine]) => {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.textContent = caption;
        chip.title = `Draw this caption; its cosine is ${cosine.toFixed(2)}`;
        chip.onclick = () => ask(caption);
        return chip;
      }),
    );
  }

  // Fill in a caption, whose style is chosen among the others.
  function fill(caption) {
    [find("prompt").value, find("style").value] = parted(caption, styles, about.set.style);
  }

  // Draw a caption.
  function ask(caption) {
    fill(caption);
    find("prompt").focus({preventScroll: true});
    document.body.scrollIntoView({block: "start"});
    update();
  }

  // A button with a picture, which the given settings draw.
  function tile(grid, text, press) {
    const button = document.createElement("button"),
      canvas = document.createElement("canvas"),
      label = document.createElement("span");
    button.type = "button";
    canvas.width = canvas.height = size;
    label.textContent = text;
    button.append(canvas, label);
    button.onclick = press;
    grid.append(button);
    return canvas;
  }

  // Other seeds of the same prompt, where chance has a part in it.
  async function others(asked, varies) {
    const grid = find("variations").querySelector(".grid"),
      mine = version;
    find("variations").hidden = !varies;
    if (!varies) return;
    while (grid.children.length < SEEDS) tile(grid, "", null);
    for (let n = 0; n < SEEDS && mine === version; n++) {
      const seed = asked.seed + n + 1,
        {result} = await workers.ask("draw", {...asked, seed}),
        button = grid.children[n];
      if (mine !== version) return;
      paint(button.firstChild, result.pixels, size, size);
      button.lastChild.textContent = `seed ${seed}`;
      button.onclick = () => {
        find("seed").value = seed;
        update();
      };
    }
  }

  async function showKnown() {
    const grid = find("known").querySelector(".grid"),
      {result} = await workers.ask("known", {count: EXAMPLES, from: examples});
    examples = (examples + 0.381966 / EXAMPLES) % 1;
    grid.replaceChildren();
    const canvases = result.map(caption => tile(grid, caption, () => ask(caption)));
    for (let n = 0; n < result.length; n++) {
      const drawn = await workers.ask("draw", {prompt: result[n]});
      paint(canvases[n], drawn.result.pixels, size, size);
    }
  }

  find("draw").hidden = find("known").hidden = false;
  find("codec").classList.add("small");
  // Not where that would open a keyboard on the screen.
  if (matchMedia("(hover: hover)").matches) find("prompt").focus({preventScroll: true});
  find("chance").hidden = !varieties.length;
  find("variety").max = rising.length - 1;
  find("styled").hidden = !styles.length;
  find("style").append(...styles.map(style => new Option(style)));
  if (about.set.style) find("style").options[0].text = `${about.set.style}, the usual`;
  for (const id of ["prompt", "style", "avoid", "variety", "seed", "lean", "strength", "from"])
    find(id).addEventListener("input", update);
  find("another").addEventListener("click", () => {
    find("seed").value = Math.floor(Math.random() * 2 ** 32);
    if (find("variety").value === "0") find("variety").value = Math.min(3, rising.length - 1);
    update();
  });
  find("asked").addEventListener("submit", event => event.preventDefault());
  find("save-drawn").addEventListener("click", () => savePng(find("drawn"), named(find("prompt").value)));
  find("others").addEventListener("click", showKnown);
  document.addEventListener("encoded", () => {
    init = current.latent;
    find("start").hidden = false;
    if (find("from").checked) update();
  });
  workers
    .ask("known", {count: 1, from: 0.5})
    .then(({result}) => {
      if (!find("prompt").value) fill(about.set.example || result[0]);
      return update();
    })
    .then(showKnown);
}

if (about.set) startDrawing();
else if (encoder) begin();
