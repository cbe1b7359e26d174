// Texts into pictures: words, embeddings, captions and noise levels, as olacore/text and olacore/drawing have them.
"use strict";
const ORDER = 0.5,
  ALIKE = 0.5,
  RUN = 3,
  SPELT_LIKE = 3,
  MOST_UNKNOWN = 32,
  MOST_NAMED = 8;
const OVER = 0.01,
  MOST = 0.9,
  SHARP = 300,
  NEAREST = 8,
  AMONG = 16,
  SCATTER = 30,
  MOST_VARIETY = 1000,
  MOST_LIFT = 3,
  // Of an energy that is divided by.
  TINY = 1e-30,
  AWAY = 0.5,
  TEXT = new TextDecoder(),
  BYTES = new TextEncoder();

const sumOf = numbers => numbers.reduce((a, b) => a + b, 0);
const dot = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};
const largest = numbers => numbers.reduce((a, b) => Math.max(a, b));
const unit = vector => {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map(x => x / length);
};
// UTF-8 as a text with a letter for each byte.
const letters = text => {
  let out = "";
  for (const byte of BYTES.encode(text)) out += String.fromCharCode(byte);
  return out;
};

class Writer {
  constructor(engine) {
    const {set} = engine.about,
      {text, mean} = engine.modules;
    this.engine = engine;
    this.set = set;
    [this.vectors, this.scales, this.weights] = ["vectors", "scales", "weights"].map(name =>
      engine.array(set.table[name]),
    );
    this.words = TEXT.decode(engine.array(set.table.words)).split("\n");
    this.places = new Map(this.words.map((word, place) => [word, place]));
    this.captions = Object.fromEntries(
      ["vectors", "scales", "basis"].map(name => [name, engine.array(set.captions[name])]),
    );
    this.listed = TEXT.decode(engine.array(set.captions.texts)).split("\n");
    this.emoji = new Map(
      TEXT.decode(engine.array(set.emoji))
        .split("\n")
        .map(line => {
          const at = line.indexOf(" ");
          return [
            String.fromCodePoint(
              ...line
                .slice(0, at)
                .split("-")
                .map(code => parseInt(code, 16)),
            ),
            line.slice(at + 1),
          ];
        }),
    );
    this.longest = Math.max(...[...this.emoji.keys()].map(sign => [...sign].length));
    this.everything = engine.array(set.everything);
    this.leftOut = new RegExp(set.leftOut, "g");
    this.text = text;
    this.mean = mean;
    this.axes = set.outline ? Array.from({length: set.outline.components}, (_, k) => this.axis(k)) : [];
    // All words between < and >, a letter a byte, and where each begins.
    this.framed = letters(this.words.map(word => `<${word}>`).join("\n"));
    this.starts = Int32Array.from({length: this.words.length + 1});
    for (let n = 0, at = 0; n < this.words.length; n++) {
      this.starts[n] = at;
      at = this.framed.indexOf("\n", at) + 1 || this.framed.length + 1;
      this.starts[n + 1] = at;
    }
  }

  nameEmoji(text) {
    if (/^[\x00-\x7f]*$/.test(text)) return text;
    const signs = [...text.replaceAll("\ufe0f", "")];
    let out = "";
    for (let place = 0; place < signs.length;) {
      let size = Math.min(this.longest, signs.length - place),
        name;
      while (size && (name = this.emoji.get(signs.slice(place, place + size).join(""))) === undefined) size--;
      out += size ? ` ${name} ` : signs[place];
      place += size || 1;
    }
    return out;
  }

  // Known words that are spelt most like one: with two neighbouring letters swapped, else by the runs of three letters
  // that they share.
  speltLike(word) {
    const signs = [...word];
    if (signs.length > 2 && /^\p{L}+$/u.test(word)) {
      const swapped = new Set();
      for (let at = 0; at + 1 < signs.length; at++) {
        const other = [...signs.slice(0, at), signs[at + 1], signs[at], ...signs.slice(at + 2)].join("");
        if (this.places.has(other)) swapped.add(this.places.get(other));
      }
      if (swapped.size) return [...swapped].slice(0, SPELT_LIKE);
    }
    const text = letters(`<${word}>`),
      runs = new Set();
    for (let i = 0; i + RUN <= text.length; i++) runs.add(text.slice(i, i + RUN));
    const shared = new Uint16Array(this.words.length);
    for (const run of runs) {
      for (let at = this.framed.indexOf(run), n = 0; at >= 0; at = this.framed.indexOf(run, this.starts[n + 1])) {
        for (let high = this.words.length, middle; high - n > 1;) {
          if (this.starts[(middle = (n + high) >> 1)] <= at) n = middle;
          else high = middle;
        }
        shared[n]++;
      }
    }
    const alike = [];
    for (let n = 0; n < shared.length; n++) {
      if (!shared[n]) continue;
      const share = (2 * shared[n]) / (Math.max(this.starts[n + 1] - this.starts[n] - RUN, 1) + runs.size);
      if (share >= ALIKE) alike.push([share, n]);
    }
    return alike
      .sort((a, b) => b[0] - a[0] || a[1] - b[1])
      .slice(0, SPELT_LIKE)
      .map(([, n]) => n);
  }

  // The lines that stand for each word of a text, and the words that are not known, with what they are read as.
  read(text) {
    const found = [],
      unknown = new Map();
    for (const word of wordsIn(this.nameEmoji(text)).replace(this.leftOut, "").split(" ")) {
      if (!word) continue;
      const line = this.places.get(word) ?? this.places.get(word.replace(/'s$/, ""));
      if (line !== undefined) {
        found.push([line]);
        continue;
      }
      if (!unknown.has(word)) unknown.set(word, unknown.size < MOST_UNKNOWN ? this.speltLike(word) : []);
      if (unknown.get(word).length) found.push(unknown.get(word));
    }
    return {found, unknown};
  }

  // The style of a text, as Generator.style_of has it.
  styleOf(text, asked) {
    const style = asked || styleIn(text, this.set.styles) || this.set.style;
    return style && this.read(text).found.length ? style : "";
  }

  embed(found) {
    const {bits, zero} = this.set.table,
      size = (8 * this.vectors.length) / bits / this.words.length,
      features = new Float64Array(2 * size);
    const weights = found.map(lines => sumOf(lines.map(line => this.weights[line])) / lines.length),
      total = sumOf(weights);
    const where = found.map((_, n) => (found.length > 1 ? (2 * n) / (found.length - 1) - 1 : 0));
    const middle = sumOf(where.map((place, n) => (place * weights[n]) / total));
    found.forEach((lines, n) => {
      const weight = weights[n] / total,
        ordered = ORDER * weight * (where[n] - middle);
      for (const line of lines) {
        for (let i = 0; i < size; i++) {
          const at = (line * size + i) * bits;
          const level = ((this.vectors[at >> 3] >> (at & 7)) & ((1 << bits) - 1)) - zero;
          const value = (level * this.scales[line]) / lines.length;
          features[i] += weight * value;
          features[size + i] += ordered * value;
        }
      }
    });
    if (this.set.table.even) {
      const mean = features.subarray(0, size),
        length = Math.sqrt(dot(mean, mean)) || 1;
      features.forEach((x, i) => (features[i] = x / length));
    }
    const answer = this.engine.one(this.text, features);
    return this.text.gather.unit ? unit(answer) : answer;
  }

  // The cosines of an embedding to all captions'.
  likeness(embedding) {
    const {vectors, scales, basis} = this.captions,
      size = basis.length / embedding.length;
    const towards = unit(
      Float64Array.from({length: size}, (_, i) =>
        dot(embedding, basis.subarray(i * embedding.length, (i + 1) * embedding.length)),
      ),
    );
    return Float32Array.from(scales, (scale, n) => dot(towards, vectors.subarray(n * size, (n + 1) * size)) * scale);
  }

  // Moved towards the captions that are likest where none is like enough, as Captions.leaned does.
  leaned(embedding, likeness, lean, variety, chance) {
    const {seen} = this.set;
    const way = seen === null ? 0 : MOST * lean * Math.min(Math.max((seen - largest(likeness)) / OVER, 0), 1);
    if (!way) return embedding;
    const {vectors, scales, basis} = this.captions,
      size = basis.length / embedding.length;
    const mixed = new Float64Array(size),
      likest = new Float64Array(embedding.length);
    weightsOf(likeness, variety, chance).forEach((weight, n) => {
      const by = weight * scales[n];
      for (let i = 0; i < size; i++) mixed[i] += by * vectors[n * size + i];
    });
    for (let i = 0; i < size; i++)
      for (let j = 0; j < likest.length; j++) likest[j] += mixed[i] * basis[i * likest.length + j];
    const length = Math.sqrt(dot(embedding, embedding));
    return unit(likest.map((x, j) => (embedding[j] / length) * (1 - way) + way * x)).map(x => x * length);
  }

  // How near the nearest caption is, and the eight nearest on average.
  certainty(likeness, order) {
    const best = order.slice(0, NEAREST).map(n => likeness[n]);
    return [best[0], sumOf(best) / best.length];
  }

  // What sets the latent that a text leads one to expect apart from the mean of all, and what is known of the text.
  expect(prompt, lean, variety = 0, chance = null) {
    const read = this.read(prompt);
    if (!read.found.length)
      return {...read, order: [], certainty: [0, 0], apart: new Float64Array(this.everything.length)};
    const embedding = this.embed(read.found),
      likeness = this.likeness(embedding),
      order = ranked(likeness),
      certainty = this.certainty(likeness, order);
    const latent = this.engine.one(this.mean, this.leaned(embedding, likeness, lean, variety, chance));
    const apart = Float64Array.from(latent, (x, i) => x - this.everything[i]);
    return {...read, likeness, order, certainty, apart: this.unlike(certainty, OVER) ? this.shrunk(apart, lean) : apart};
  }

  // Whether a prompt of such a certainty is like no training caption, by `over` or more, as Generator.unlike has it.
  unlike(certainty, over = 0) {
    const {seen} = this.set;
    return seen !== null && certainty.some(Boolean) && certainty[0] < seen - over;
  }

  // Whether a prompt is drawn of captions that chance decides on, as Generator.leans has it.
  leans(lean, variety, certainty) {
    return variety > 0 && lean > 0 && this.unlike(certainty);
  }

  // What sets a latent apart from the mean of all, by as much of outline and rest as can be sure.
  shrunk(apart, lean) {
    const {outline} = this.set;
    if (lean === 1 || !outline) return apart;
    const part = this.outlined(apart),
      [most, rest] = outline.gains.map(gain => 1 + (1 - lean) * (gain - 1));
    return part.map((x, i) => most * x + rest * (apart[i] - x));
  }

  // A principal component of the text mean, at unit length.
  axis(k) {
    const [levels, rows, columns] = ["levels", "rows", "columns"].map(name => this.engine.array(this.mean.basis[name]));
    const size = columns.length;
    return unit(Float64Array.from(columns, (column, i) => levels[k * size + i] * rows[k] * column));
  }

  // The part of a vector that lies along the first principal components of the text mean.
  outlined(apart) {
    const part = new Float64Array(apart.length);
    for (const axis of this.axes) {
      const by = dot(axis, apart);
      for (let i = 0; i < part.length; i++) part[i] += by * axis[i];
    }
    return part;
  }

  // Draw: {pixels, unknown, nearest, seen, known, varies}, the last whether other seeds draw others. init and strength:
  // a latent to start from, and how far to go from it; noise and chance: standard normal numbers, and standard Gumbel
  // ones for all captions, in place of those of the seed.
  draw({
    prompt,
    avoid = "",
    style = "",
    variety = 0,
    seed = 0,
    lean = 1,
    init = null,
    strength = 0.5,
    noise = null,
    chance = null,
  }) {
    const {engine} = this,
      {height, width} = this.mean.gather,
      own = this.styleOf(prompt, style);
    chance ||= variety && gumbel(seed, this.listed.length);
    const {found, unknown, likeness, order, certainty, apart} = this.expect(styled(prompt, own), lean, variety, chance);
    if (avoid)
      this.expect(styled(avoid, this.styleOf(avoid, styleIn(avoid, this.set.styles) || own)), lean).apart.forEach((x, i) => {
        apart[i] -= AWAY * x;
      });
    const {energy, outline} = this.set;
    const expected = Float32Array.from(this.everything);
    const add = (part, size) => {
      const lift = Math.max(Math.sqrt(size / Math.max(dot(part, part), size / MOST_LIFT ** 2 + TINY)), 1);
      for (let i = 0; i < part.length; i++) expected[i] += lift * part[i];
    };
    if (this.unlike(certainty) && outline) {
      const part = this.outlined(apart);
      add(part, outline.energy);
      add(
        apart.map((x, i) => x - part[i]),
        outline.rest,
      );
    } else add(apart, energy);
    let latent = init ? init.map((x, i) => x + strength * (expected[i] - x)) : expected;
    // None where it leans by chance, of which denoisers would make confetti.
    const leans = this.leans(lean, variety, certainty),
      levels = leans ? [] : this.set.levels.filter(([level]) => level <= variety);
    if (levels.length) latent = this.sample(latent, levels, noise || normal(seed, latent.length), expected, certainty);
    latent = latent.map(half);
    let pixels = engine.decode({latent, width, top: 0, first: 0, bottom: height});
    const {refiner} = engine.modules,
      {size} = this.set;
    if (refiner) {
      const bottom = size / refiner.gather.factor;
      pixels = engine.refine({pixels, width: size, height: size, top: 0, first: 0, bottom, latent, above: 0});
    }
    return {
      pixels,
      buffer: pixels.buffer,
      unknown: [...unknown].slice(0, MOST_NAMED).map(([word, lines]) => [word, lines.map(line => this.words[line])]),
      more: Math.max(unknown.size - MOST_NAMED, 0),
      nearest: order.slice(0, 3).map(n => [this.listed[n], likeness[n]]),
      seen: !this.unlike(certainty),
      known: found.length > 0,
      varies: leans || levels.length > 0,
    };
  }

  // DPM-Solver++ of second order over noise levels, [level, its denoiser] from high to low.
  sample(start, levels, noise, means, certainty) {
    let noisy = start.map((x, i) => x + levels[0][0] * noise[i]),
      before = null,
      clean = start;
    levels.forEach(([level, name], step) => {
      clean = this.engine.denoise(this.engine.modules[name], noisy, means, certainty);
      if (step + 1 === levels.length) return;
      const after = levels[step + 1][0],
        last = before || clean;
      // The straight line through the last two answers, over the logarithm of the level, followed half a step on.
      const by = before ? Math.log(level / after) / Math.log(levels[step - 1][0] / level) / 2 : 0;
      noisy = noisy.map((x, i) => {
        const towards = clean[i] + by * (clean[i] - last[i]);
        return towards + (after / level) * (x - towards);
      });
      before = clean;
    });
    return clean;
  }

  // Captions that it was made from, evenly from all of them: `count` from a place on.
  known({count, from}) {
    return Array.from(
      {length: count},
      (_, n) => this.listed[Math.floor(((from + n / count) % 1) * this.listed.length)],
    );
  }
}

// The places of captions from the likest on; those that are as like stay in their order.
const ranked = likeness => [...likeness.keys()].sort((a, b) => likeness[b] - likeness[a]);

// How much each caption counts, as Captions._weights has it.
function weightsOf(likeness, variety, chance) {
  const by = SCATTER * Math.min(variety, MOST_VARIETY),
    logs = Float64Array.from(likeness, (x, n) => SHARP * x + (by && by * chance[n]));
  if (by) for (const n of ranked(likeness).slice(AMONG)) logs[n] = -Infinity;
  const most = largest(logs),
    weights = logs.map(x => Math.exp(x - most)),
    total = sumOf(weights);
  return weights.map(x => x / total);
}
