// The modules of the page: numbers into tiles, maps one after the other, answers out. Runs in a worker, or in the page.
"use strict";
const TILE = 64;
// Of float16.
const LARGEST = 65504;

const halves = Float32Array.from({length: 65536}, (_, bits) => halfOf(bits));

class Engine {
  // about: what the file says of its modules; content: ArrayBuffer of all arrays.
  constructor(about, content, plain) {
    this.about = about;
    this.content = content;
    this.modules = structuredClone(about.modules);
    let floats = 0,
      rows = 0;
    for (const module of Object.values(this.modules)) {
      let width = module.inputs;
      for (const step of module.steps) {
        const outputs = step.levels.shape[0];
        step.k = width;
        floats += padded(outputs) * (width + 1);
        width += outputs;
      }
      if (module.basis) floats += padded(module.outputs) * (module.basis.levels.shape[0] + 1);
      rows = Math.max(rows, width + 2 * PANEL + (module.basis ? module.outputs : 0));
    }
    this.kernel = makeKernel(4 * (floats + rows * TILE) + 64, plain);
    this.memory = new Float32Array(this.kernel.memory.buffer);
    this.next = rows * TILE;
    for (const module of Object.values(this.modules)) this.prepare(module);
    if (about.set) this.writer = new Writer(this);
  }

  // An array of the file.
  array({type, shape, at}) {
    const size = shape.reduce((a, b) => a * b, 1);
    if (type === "float16") return Float32Array.from(new Uint16Array(this.content, at, size), bits => halves[bits]);
    return new {float32: Float32Array, int8: Int8Array, uint8: Uint8Array}[type](this.content, at, size);
  }

  prepare(module) {
    for (const step of module.steps) {
      const levels = this.array(step.levels),
        rows = this.array(step.rows),
        columns = this.array(step.columns),
        k = step.k;
      step.map = this.map(k, rows.length, this.array(step.biases), (o, i) => levels[o * k + i] * rows[o] * columns[i]);
    }
    module.gain = this.array(module.gain);
    module.shift = this.array(module.shift);
    if (module.filter) {
      module.filter = new WienerFilter(
        ...["axes", "gains", "thresholds", "mean"].map(name => this.array(module.filter[name])),
      );
    }
    if (!module.basis) return;
    const [levels, rows, columns] = ["levels", "rows", "columns"].map(name => this.array(module.basis[name]));
    const n = module.outputs,
      {gain, shift} = module;
    module.last = this.map(rows.length, n, shift, (o, i) => levels[i * n + o] * rows[i] * columns[o] * gain[i]);
    module.gain = new Float32Array(n).fill(1);
    module.shift = new Float32Array(n);
  }

  // Weights in panels, and biases.
  map(k, outputs, biases, weight) {
    const panels = padded(outputs) / PANEL,
      w = this.next,
      b = w + panels * PANEL * k;
    for (let p = 0, to = w; p < panels; p++) {
      for (let i = 0; i < k; i++) {
        for (let o = p * PANEL; o < (p + 1) * PANEL; o++) this.memory[to++] = o < outputs ? weight(o, i) : 0;
      }
    }
    this.memory.set(biases, b);
    this.next = b + panels * PANEL;
    return {k, outputs, panels, w: 4 * w, b: 4 * b};
  }

  // Run a module on samples: fill(memory, tile, start, count) writes its inputs, a row of `tile` numbers for each, and
  // take(rows, tile, start, count) reads its answers the same way.
  run(module, samples, fill, take) {
    const tile = samples < LANES ? LANES : TILE,
      {multiply, tanh} = this.kernel;
    for (let start = 0; start < samples; start += tile) {
      const count = Math.min(tile, samples - start);
      fill(this.memory, tile, start, count);
      let out = 0,
        next = module.inputs;
      const go = (map, from) => {
        multiply(4 * from * tile, map.w, map.b, 4 * next * tile, map.k, map.panels, count, 4 * tile);
        out = next;
        next += map.outputs;
      };
      for (const {map} of module.steps) {
        go(map, 0);
        tanh(4 * out * tile, (map.outputs * tile) / 4);
      }
      if (module.last) go(module.last, out);
      take(this.memory.subarray(out * tile), tile, start, count);
    }
  }

  // Answers as latents (C, sites).
  toSites({gain, shift}, latent, sites) {
    return (rows, tile, start, count) => {
      for (let c = 0; c < gain.length; c++) {
        for (let s = 0; s < count; s++) latent[c * sites + start + s] = rows[c * tile + s] * gain[c] + shift[c];
      }
    };
  }

  // One sample in, one out.
  one(module, inputs) {
    const out = new Float32Array(module.outputs);
    this.run(
      module,
      1,
      (memory, tile) => {
        for (let i = 0; i < inputs.length; i++) memory[i * tile] = inputs[i];
      },
      (rows, tile) => {
        for (let o = 0; o < out.length; o++) out[o] = rows[o * tile] * module.gain[o] + module.shift[o];
      },
    );
    return out;
  }

  // Writes the blocks of a picture around sites, with their borders, as rows of inputs. Given are pixels (rows, width)
  // RGBA from the picture's row `top` on; `height` is that of the whole picture, whose edges are reflected.
  blocks({factor, border}, {pixels, width, height, top, first}) {
    const across = width / factor,
      side = factor + 2 * border;
    const columns = Int32Array.from(
      {length: across * side},
      (_, i) => 4 * reflect((i % side) - border + factor * Math.floor(i / side), width),
    );
    return (memory, tile, start, count) => {
      for (let r = 0; r < side; r++) {
        for (let s = 0; s < count; s++) {
          const y = first + Math.floor((start + s) / across),
            x = (start + s) % across;
          const row = 4 * width * (reflect(y * factor + r - border, height) - top);
          for (let c = 0, to = 3 * r * side * tile + s; c < side; c++) {
            const at = row + columns[x * side + c];
            memory[to] = pixels[at] / 127.5 - 1;
            to += tile;
            memory[to] = pixels[at + 1] / 127.5 - 1;
            to += tile;
            memory[to] = pixels[at + 2] / 127.5 - 1;
            to += tile;
          }
        }
      }
    };
  }

  // Adds answers, times 127.5, to the blocks of pixels RGBA, `across` of them in a row; `middle` is added to all.
  toBlocks(module, pixels, across, middle) {
    const {factor} = module.gather,
      wide = across * factor,
      corners = new Int32Array(TILE);
    return (rows, tile, start, count) => {
      for (let s = 0; s < count; s++) {
        const y = Math.floor((start + s) / across),
          x = start + s - y * across;
        corners[s] = 4 * factor * (y * wide + x);
      }
      for (let o = 0; o < module.outputs; o++) {
        const scale = 127.5 * module.gain[o],
          bias = 127.5 * module.shift[o] + middle;
        const place = 4 * (Math.floor(o / 3 / factor) * wide + (Math.floor(o / 3) % factor)) + (o % 3);
        for (let s = 0, at = o * tile; s < count; s++, at++) pixels[corners[s] + place] += rows[at] * scale + bias;
      }
    };
  }

  // A picture to the latents (C, bottom - first, width / factor) of the rows of sites from `first` to `bottom`; see
  // `blocks` for what is given.
  encode(given) {
    const module = this.modules.encoder,
      {factor, channels} = module.gather;
    const sites = (given.width / factor) * (given.bottom - given.first),
      latent = new Float32Array(channels * sites);
    this.run(module, sites, this.blocks(module.gather, given), this.toSites(module, latent, sites));
    return latent;
  }

  // Latents (C, rows, width) of a picture's sites, from row `top` on, to the pixels of the rows of sites from `first`
  // to `bottom`, RGBA; the edges of what is given are repeated.
  decode({latent, width, top, first, bottom}) {
    const module = this.modules.decoder,
      {factor, window, channels} = module.gather;
    const sites = width * (bottom - first),
      pixels = new Uint8ClampedArray(4 * sites * factor * factor);
    for (let at = 3; at < pixels.length; at += 4) pixels[at] = 255;
    const windows = new Windows(latent, channels, width, window, top);
    this.run(
      module,
      sites,
      (memory, tile, start, count) => windows.fill(memory, 0, tile, first * width + start, count),
      this.toBlocks(module, pixels, width, 127.5),
    );
    return pixels;
  }

  // A decoded picture to the pixels of its rows of blocks from `first` to `bottom` with the decoder's errors taken out.
  // Where the latents are read too, they are given as to `decode`: `latent` (C, rows, across) from row `above` on.
  refine(given) {
    const module = this.modules.refiner,
      {factor, border, context, channels} = module.gather,
      {pixels, width, top, first, bottom, latent, above} = given;
    const refined = pixels.slice(4 * width * (first * factor - top), 4 * width * (bottom * factor - top)),
      across = width / factor;
    const sites = across * (bottom - first),
      blocks = this.blocks(module.gather, given);
    const beside = context !== undefined && new Windows(latent, channels, across, 2 * context + 1, above);
    const fill = (memory, tile, start, count) => {
      blocks(memory, tile, start, count);
      if (beside) beside.fill(memory, 3 * (factor + 2 * border) ** 2, tile, first * across + start, count);
    };
    this.run(module, sites, fill, this.toBlocks(module, refined, across, 0));
    return refined;
  }

  // A noisy latent of the whole picture to a clean one; `means` is what the text leads one to expect.
  denoise(module, noisy, means, certainty) {
    const {channels, window, text_window: textWindow, certain} = module.gather;
    const {height, width} = this.modules.mean.gather,
      sites = height * width,
      given = [noisy, means].map(latent => Float32Array.from(latent, half));
    const seen = new Windows(given[0], channels, width, window, 0);
    const told = module.filter ? [...given[1], ...module.filter.clean(...given, certainty)] : given[1];
    const beside = textWindow && new Windows(told, told.length / sites, width, textWindow, 0);
    const clean = new Float32Array(channels * sites);
    this.run(
      module,
      sites,
      (memory, tile, start, count) => {
        let row = seen.fill(memory, 0, tile, start, count);
        if (beside) row = beside.fill(memory, row, tile, start, count);
        for (const number of certain ? certainty : []) memory.fill(number, row * tile, row++ * tile + count);
        for (let s = 0; s < count; s++) {
          memory[row * tile + s] = (2 * Math.floor((start + s) / width) + 1) / height - 1;
          memory[(row + 1) * tile + s] = (2 * ((start + s) % width) + 1) / width - 1;
        }
      },
      this.toSites(module, clean, sites),
    );
    return clean;
  }
}

// Estimates of whole latents, by principal axes of how they differ from their text means; the twin of WienerFilter.
class WienerFilter {
  constructor(axes, gains, thresholds, mean) {
    Object.assign(this, {axes, gains, thresholds, mean});
  }

  clean(noisy, means, certainty) {
    const {axes, thresholds, mean} = this,
      size = mean.length,
      count = axes.length / size,
      from = count * thresholds.filter(threshold => certainty[0] >= threshold).length,
      gains = this.gains.subarray(from, from + count),
      found = Float64Array.from(means, (textMean, i) => textMean + mean[i]),
      residual = found.map((around, i) => noisy[i] - around);
    gains.forEach((gain, k) => {
      const axis = axes.subarray(k * size, (k + 1) * size);
      // The axis is its steps at length 1.
      const part = (gain * dot(axis, residual)) / dot(axis, axis);
      for (let i = 0; i < size; i++) found[i] += part * axis[i];
    });
    return found.map(number => half(Math.min(Math.max(number, -LARGEST), LARGEST)));
  }
}

// The windows around sites, their edges repeated: rows in the order channel, row, column.
class Windows {
  constructor(latent, channels, width, side, top) {
    const pad = side >> 1,
      rows = latent.length / channels / width;
    Object.assign(this, {channels, width, side, top, across: width + 2 * pad, rows: rows + 2 * pad});
    this.padded = new Float32Array(channels * this.rows * this.across);
    for (let c = 0, to = 0; c < channels; c++) {
      for (let y = -pad; y < rows + pad; y++) {
        const row = (c * rows + Math.min(Math.max(y, 0), rows - 1)) * width;
        for (let x = -pad; x < width + pad; x++) this.padded[to++] = latent[row + Math.min(Math.max(x, 0), width - 1)];
      }
    }
  }

  // Write those of `count` sites from `start` on, as rows from `row` on, and return the next row.
  fill(memory, row, tile, start, count) {
    for (let s = 0; s < count;) {
      const y = Math.floor((start + s) / this.width),
        x = start + s - y * this.width;
      const length = Math.min(count - s, this.width - x);
      let to = row * tile + s;
      for (let c = 0; c < this.channels; c++) {
        for (let i = 0; i < this.side; i++) {
          let at = (c * this.rows + y - this.top + i) * this.across + x;
          for (let j = 0; j < this.side; j++, at++, to += tile) {
            for (let n = 0; n < length; n++) memory[to + n] = this.padded[at + n];
          }
        }
      }
      s += length;
    }
    return row + this.channels * this.side * this.side;
  }
}

const padded = n => Math.ceil(n / PANEL) * PANEL;

// A place beyond an edge, reflected at the last pixel, as often as it needs.
function reflect(i, size) {
  if (size === 1) return 0;
  const period = 2 * size - 2,
    at = ((i % period) + period) % period;
  return Math.min(at, period - at);
}

// What the page may ask for; every answer is {result} or {error}.
function makeServer() {
  let engine = null;
  const jobs = {
    start({about, content, plain}) {
      engine = new Engine(about, content, plain);
      return {kernel: engine.kernel.name};
    },
    encode: given => engine.encode(given),
    decode: given => engine.decode(given),
    refine: given => engine.refine(given),
    draw: given => engine.writer.draw(given),
    known: given => engine.writer.known(given),
  };
  return ({job, given}) => {
    const started = performance.now();
    try {
      return {result: jobs[job](given), ms: performance.now() - started};
    } catch (error) {
      return {
        error: error instanceof RangeError ? "This browser has too little memory for it." : String(error.message),
      };
    }
  };
}

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  const serve = makeServer();
  onmessage = ({data}) => {
    const answer = serve(data),
      {buffer} = answer.result || {};
    postMessage({id: data.id, ...answer}, buffer instanceof ArrayBuffer ? [buffer] : []);
  };
  postMessage("ready");
}
