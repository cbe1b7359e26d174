// A picture through encoder and decoder, and a latent through the decoder.
"use strict";
const {encoder, decoder, refiner} = about.modules,
  factor = (encoder || decoder).gather.factor;
// Canvases of some browsers hold no more pixels; rows of sites that a worker does at a time hold so many sites.
const MOST_PIXELS = 2 ** 24,
  BAND = 4096;
// What is shown: {name, latent, shape, size}.
let current = null,
  turn = 0;

class Superseded extends Error {}

// Run a job over bands of rows of sites; each is given to `take` as it comes. Stops where something newer was asked.
async function inBands(job, rows, across, mine, slice, take) {
  const most = Math.max(1, Math.floor(BAND / across));
  const band = Math.max(1, Math.min(most, Math.ceil(rows / (2 * (workers.size || MOST_WORKERS)))));
  const parts = [];
  for (let first = 0; first < rows; first += band) parts.push([first, Math.min(first + band, rows)]);
  await Promise.all(
    parts.map(async ([first, bottom]) => {
      const {result} = await workers.ask(job, () => {
        if (mine !== turn) throw new Superseded();
        return slice(first, bottom);
      });
      if (mine === turn) take(result, first, bottom);
    }),
  );
  if (mine !== turn) throw new Superseded();
}

// What a worker is given of a picture, RGBA, for its rows of blocks from `first` to `bottom`.
function rowsOf(pixels, width, height, {factor, border}) {
  return (first, bottom) => {
    // Where a side is shorter than the border, reflecting needs all of it.
    const all = height <= 2 * border,
      top = all ? 0 : Math.max(0, first * factor - border),
      end = all ? height : Math.min(height, bottom * factor + border);
    return {pixels: pixels.slice(4 * width * top, 4 * width * end), width, height, top, first, bottom};
  };
}

// A picture, RGBA, to its latent (C, h, w); sides that are no multiple of the factor repeat their last pixels.
async function encode({data, width, height}, mine = turn) {
  const across = Math.ceil(width / factor),
    down = Math.ceil(height / factor),
    {channels} = encoder.gather;
  const wide = across * factor,
    high = down * factor,
    pixels = new Uint8ClampedArray(4 * wide * high);
  for (let y = 0; y < high; y++) {
    const row = 4 * width * Math.min(y, height - 1);
    pixels.set(data.subarray(row, row + 4 * width), 4 * wide * y);
    for (let x = width; x < wide; x++)
      pixels.copyWithin(4 * (wide * y + x), 4 * (wide * y + width - 1), 4 * (wide * y + width));
  }
  const latent = new Float32Array(channels * down * across);
  await inBands(
    "encode",
    down,
    across,
    mine,
    rowsOf(pixels, wide, high, encoder.gather),
    (found, first, bottom) => {
      const size = found.length / channels;
      for (let c = 0; c < channels; c++)
        latent.set(found.subarray(c * size, (c + 1) * size), (c * down + first) * across);
    },
  );
  if (!latent.every(Number.isFinite)) throw Error("The encoder's answer is not finite: its numbers are damaged.");
  return {latent, shape: [channels, down, across]};
}

// What a worker is given of a latent (C, h, w) for its rows of sites from `first` to `bottom`, with `pad` rows around.
function sitesOf(latent, [channels, down, across], pad) {
  return (first, bottom) => {
    const top = Math.max(0, first - pad),
      rows = Math.min(down, bottom + pad) - top;
    const given = new Float32Array(channels * rows * across);
    for (let c = 0; c < channels; c++) {
      const start = (c * down + top) * across;
      given.set(latent.subarray(start, start + rows * across), c * rows * across);
    }
    return {latent: given, width: across, top, first, bottom};
  };
}

// A latent (C, h, w) to pixels, RGBA.
async function decode({latent, shape}, mine = turn) {
  const [, down, across] = shape;
  const width = across * factor,
    height = down * factor,
    stored = latent.map(half);
  let pixels = new Uint8ClampedArray(4 * width * height);
  await inBands(
    "decode",
    down,
    across,
    mine,
    sitesOf(stored, shape, decoder.gather.window >> 1),
    (found, first) => pixels.set(found, 4 * width * first * factor),
  );
  if (refiner) {
    const {factor: block, context} = refiner.gather,
      rows = rowsOf(pixels, width, height, refiner.gather),
      sites = sitesOf(stored, shape, context);
    const given = (first, bottom) => {
      if (context === undefined) return rows(first, bottom);
      const {latent: beside, top: above} = sites(first, bottom);
      return {...rows(first, bottom), latent: beside, above};
    };
    const refined = new Uint8ClampedArray(pixels.length);
    await inBands("refine", height / block, width / block, mine, given, (found, first) =>
      refined.set(found, 4 * width * first * block),
    );
    pixels = refined;
  }
  return {pixels, width, height};
}

function psnr(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) if (i % 4 < 3) sum += (one[i] - other[i]) ** 2;
  return sum ? 10 * Math.log10(255 ** 2 / (sum / ((one.length * 3) / 4))) : Infinity;
}

// A picture of a file as pixels on white, of the size that the page works at; the middle of it for a set.
async function readPicture(source) {
  let {width, height} = source;
  const size = about.set && about.set.size,
    canvas = document.createElement("canvas");
  const scale = size ? size / Math.min(width, height) : Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  const [wide, high] = [width, height].map(side => Math.max(1, size ? size : Math.floor(side * scale)));
  canvas.width = wide;
  canvas.height = high;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = "#fff";
  context.fillRect(0, 0, wide, high);
  context.imageSmoothingQuality = "high";
  [width, height] = size || scale < 1 ? [width * scale, height * scale] : [width, height];
  context.drawImage(source, size ? (wide - width) / 2 : 0, size ? (high - height) / 2 : 0, width, height);
  if (!size && scale < 1)
    remark(`The picture was made smaller, to ${wide} x ${high} pixels: this page takes 16 megapixels.`);
  return context.getImageData(0, 0, wide, high);
}

const remark = text => show("remark", text);
const milliseconds = ms => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

function list(figures) {
  find("figures").replaceChildren(
    ...Object.entries(figures).map(([name, value]) => {
      const group = document.createElement("div"),
        term = document.createElement("dt"),
        number = document.createElement("dd");
      term.textContent = name;
      number.textContent = value;
      group.append(term, number);
      return group;
    }),
  );
}

function latentFacts({latent, shape}, width, height) {
  const kilobytes = (latent.length * 2) / 1000,
    share = Math.round((3 * width * height) / (latent.length * 2));
  return {Latent: shape.join(" \u00d7 "), "As float16": `${kilobytes.toFixed(1)} kB, 1/${share} of the pixels`};
}

// Work that the newest request replaces; what goes wrong is one sentence.
async function newest(work) {
  const mine = ++turn;
  show("refused");
  remark();
  find("codec").setAttribute("aria-busy", "true");
  try {
    await work(mine);
  } catch (error) {
    if (error instanceof Superseded) return;
    show("refused", error.message);
  } finally {
    if (mine === turn) find("codec").removeAttribute("aria-busy");
  }
}

const givePicture = (source, name) =>
  newest(async mine => {
    if (!encoder) throw Error("This page holds no encoder; it takes latents (.npz, .npy, .safetensors or .latent).");
    await workers.ready;
    const picture = await readPicture(source),
      {width, height} = picture;
    const began = performance.now(),
      found = await encode(picture, mine),
      encoded = performance.now();
    const figures = {
      Size: `${width} \u00d7 ${height}`,
      ...latentFacts(found, width, height),
      Encoded: milliseconds(encoded - began),
    };
    paint(find("original"), picture.data, width, height);
    if (decoder) {
      const answer = await decode(found, mine),
        ms = performance.now() - encoded,
        cut = cropped(answer, width, height);
      paint(find("decoded"), cut, width, height);
      Object.assign(figures, {Decoded: milliseconds(ms), PSNR: `${psnr(picture.data, cut).toFixed(2)} dB`});
    }
    current = {name, ...found, size: [height, width]};
    layout(true, Boolean(decoder));
    list(figures);
    document.dispatchEvent(new Event("encoded"));
  });

const giveLatent = (given, name) =>
  newest(async mine => {
    if (!decoder) throw Error("This page holds no decoder; it takes pictures.");
    const {channels} = decoder.gather,
      {reads} = decoder.spaces;
    if (given.shape[0] !== channels) {
      throw Error(`${name} has ${given.shape[0]} channels; this decoder takes latents (${channels}, h, w).`);
    }
    if (reads && given.spaces.length && !given.spaces.some(space => sameSpace(space, reads))) {
      const theirs = given.spaces.map(space => space.maker).join(" or ");
      throw Error(`${name} belongs to the latent space of ${theirs}; this decoder reads that of ${reads.maker}.`);
    }
    const [, down, across] = given.shape,
      [high, wide] = [down * factor, across * factor];
    if (wide * high > MOST_PIXELS)
      throw Error(`${name} decodes to ${wide} x ${high} pixels; this page shows 16 megapixels at most.`);
    const [height, width] = given.size || [high, wide];
    if (!(height >= 1 && height <= high && width >= 1 && width <= wide)) {
      throw Error(`${name} says that its picture has ${height} x ${width} pixels; it decodes to ${high} x ${wide}.`);
    }
    await workers.ready;
    const began = performance.now(),
      answer = await decode(given, mine),
      ms = performance.now() - began;
    paint(find("decoded"), cropped(answer, width, height), width, height);
    current = {name, latent: given.latent, shape: given.shape, size: given.size};
    layout(false, true);
    remark(given.note);
    list({Size: `${width} \u00d7 ${height}`, ...latentFacts(given, width, height), Decoded: milliseconds(ms)});
  });

const sameSpace = (one, other) =>
  ["maker_sha256", "scaling", "shift", "channels", "factor", "picture_range"].every(
    name => JSON.stringify(one[name]) === JSON.stringify(other[name]),
  );

function cropped({pixels, width, height}, wide, high) {
  if (width === wide && height === high) return pixels;
  const out = new Uint8ClampedArray(4 * wide * high);
  for (let y = 0; y < high; y++) out.set(pixels.subarray(4 * width * y, 4 * (width * y + wide)), 4 * wide * y);
  return out;
}

function layout(given, shown) {
  find("given").hidden = !given;
  find("shown").hidden = !shown;
  document.querySelector(".pair").classList.toggle("alone", !(given && shown));
  find("save-latent").hidden = !(given && encoder);
}

async function giveFile(file) {
  let source = null;
  if (!/\.(np[yz]|safetensors|latent)$/i.test(file.name)) source = await createImageBitmap(file).catch(() => null);
  if (source) return givePicture(source, file.name.replace(/\.[^.]*$/, ""));
  let given;
  try {
    if (file.size > MOST_BYTES) throw Error(`${file.name} is too large for a latent.`);
    given = await readLatent(file.name, await file.arrayBuffer(), about.raw);
  } catch (error) {
    // What a reader stumbles over in bytes that are not what they say is no sentence of ours.
    const damaged = Error(`${file.name} is damaged: its bytes are not those of such a file.`);
    return newest(() => {
      throw error.constructor === Error ? error : damaged;
    });
  }
  return giveLatent(given, file.name);
}

find("file").addEventListener("change", ({target}) => {
  if (target.files.length) giveFile(target.files[0]);
  target.value = "";
});
document.addEventListener("dragover", event => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", () => document.body.classList.remove("over"));
document.addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("over");
  if (event.dataTransfer.files.length) giveFile(event.dataTransfer.files[0]);
});
document.addEventListener("paste", event => {
  const [file] = event.clipboardData.files;
  if (!file && document.activeElement.matches("input[type=text], input[type=number]")) return;
  event.preventDefault();
  if (file) return giveFile(file);
  try {
    giveLatent(readList(event.clipboardData.getData("text")), "What was pasted");
  } catch (error) {
    newest(() => {
      throw error;
    });
  }
});
find("save-decoded").addEventListener("click", () => savePng(find("decoded"), named(`${current.name}-decoded`)));
find("save-latent").addEventListener("click", () => {
  const {latent, shape, size, name} = current,
    {makes, imitates} = encoder.spaces;
  save(writeLatent(latent, shape, {makes, imitates, size}), `${named(name)}.npz`);
});

// A picture to begin with, so that the page shows what it does: a hill under a sky, drawn here.
function begin() {
  const canvas = document.createElement("canvas"),
    context = canvas.getContext("2d"),
    size = 512;
  canvas.width = canvas.height = size;
  const fill = (colours, y) => {
    const shade = context.createLinearGradient(0, y, 0, size);
    colours.forEach((colour, n) => shade.addColorStop(n / (colours.length - 1), colour));
    context.fillStyle = shade;
  };
  fill(["#2f5d9e", "#8fb9dd", "#f6dcb8"], 0);
  context.fillRect(0, 0, size, size);
  context.fillStyle = "#fff3d0";
  context.beginPath();
  context.arc(360, 150, 46, 0, 7);
  context.fill();
  [
    ["#56708f", "#7d95ab", 290, 60],
    ["#3f6150", "#5d8266", 350, 44],
    ["#20402f", "#4a7040", 420, 26],
  ].forEach(([high, low, y, rise], n) => {
    fill([high, low], y - rise);
    context.beginPath();
    context.moveTo(0, size);
    for (let x = 0; x <= size; x += 4) {
      context.lineTo(
        x,
        y - rise * Math.sin(x / (90 - 22 * n) + 2 * n) - (rise / 3) * Math.sin(x / 23 + n) - ((x * 7919) % 13) / 4,
      );
    }
    context.lineTo(size, size);
    context.fill();
  });
  givePicture(canvas, "a-hill");
}
layout(false, false);
