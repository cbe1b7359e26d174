// Products of the engine: WebAssembly with vectors, put together here, and the same in plain JavaScript.
//
// A tile holds the numbers of up to stride / 4 samples, one row for each input: (k, stride / 4) float32. Weights lie in
// panels of PANEL outputs, (panels, k, PANEL), so that both are read from start to end. `multiply` writes biases plus
// products, a row for each output, and `tanh` goes over rows in place. All addresses are in bytes.
"use strict";
const PANEL = 6, LANES = 8;

function assemble(fused) {
  const leb = n => n < 128 ? [n] : [n & 127 | 128, ...leb(n >>> 7)];
  const get = i => [0x20, i], set = i => [0x21, i], tee = i => [0x22, i], int = n => [0x41, n];
  const plusInt = 0x6a, vector = (...code) => [0xfd, ...code];
  const raise = (i, ...by) => [...get(i), ...by, plusInt, ...set(i)];
  const load = at => vector(0, 2, at), spread = at => vector(9, 2, at), store = vector(11, 2, 0);
  const splat = numbers => vector(12, ...new Uint8Array(numbers.buffer));
  const float = x => splat(new Float32Array(4).fill(x)), whole = x => splat(new Int32Array(4).fill(x));
  const plus = vector(0xe4, 1), minus = vector(0xe5, 1), by = vector(0xe6, 1), over = vector(0xe7, 1);
  // A body until a counter, one less each time, is 0.
  const repeat = (counter, ...body) =>
    [0x03, 0x40, ...body.flat(), ...get(counter), ...int(1), 0x6b, ...tee(counter), 0x0d, 0, 0x0b];
  const madd = fused ? vector(0x85, 2) : [...by, ...plus];

  const [x, w, bias, out, k, panels, blocks, stride, block, left, at, weight, from, to] = Array(14).keys();
  const sum = 14, first = 26, second = 27, one = 28, sums = [...Array(2 * PANEL).keys()];
  const product = n => fused
    ? [...get(one), ...get(n % 2 ? second : first), ...get(sum + n), ...madd, ...set(sum + n)]
    : [...get(sum + n), ...get(one), ...get(n % 2 ? second : first), ...madd, ...set(sum + n)];
  const multiply = repeat(panels,
    get(blocks), set(block), get(x), set(from), get(out), set(to),
    repeat(block,
      sums.flatMap(n => [...get(bias), ...spread(4 * (n >> 1)), ...set(sum + n)]),
      get(from), set(at), get(w), set(weight), get(k), set(left),
      repeat(left,
        get(at), load(0), set(first), get(at), load(16), set(second),
        sums.flatMap(n => [...n % 2 ? [] : [...get(weight), ...spread(2 * n), ...set(one)], ...product(n)]),
        raise(at, ...get(stride)), raise(weight, ...int(4 * PANEL))),
      get(to), set(at),
      sums.flatMap(n => [
        ...get(at), ...n % 2 ? [...int(16), plusInt] : [], ...get(sum + n), ...store,
        ...n % 2 ? raise(at, ...get(stride)) : []]),
      raise(from, ...int(32)), raise(to, ...int(32))),
    get(weight), set(w), raise(bias, ...int(4 * PANEL)), raise(out, ...get(stride), ...int(PANEL), 0x6c));

  // With v = exp(-2 |x|) - 1, tanh |x| = v / (-2 - v); exp by a power of two and a polynomial.
  const [place, count, given, size, power, f, v] = Array(7).keys();
  const series = [0.0013941111, 0.008366761, 0.04166635, 0.1666654, 0.5];
  const scale = [...get(power), ...vector(0xf8, 1), ...whole(127), ...vector(0xae, 1), ...int(23), ...vector(0xab, 1)];
  const tanh = repeat(count,
    get(place), load(0), tee(given), vector(0xe0, 1), float(9), vector(0xe8, 1), tee(size),
    float(-2.88539), by, vector(0x6a), set(power),
    get(size), float(-2), by, get(power), float(0.6931472), by, minus, set(f),
    float(series[0]), series.slice(1).flatMap(term => [...get(f), ...by, ...float(term), ...plus]),
    get(f), by, get(f), by, get(f), plus,
    scale, by, scale, float(1), minus, plus, set(v),
    get(place), get(v), float(-2), get(v), minus, over, get(given), whole(0x7fffffff), vector(0x52), store,
    raise(place, ...int(16)));

  const sized = bytes => [...leb(bytes.length), ...bytes], section = (id, ...items) =>
    [id, ...sized([...leb(items.length), ...items.flat()])];
  const text = name => sized([...name].map(letter => letter.charCodeAt()));
  const code = (locals, body) => sized([...locals, ...body, 0x0b]);
  return new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0,
    ...section(1, [0x60, 8, ...Array(8).fill(0x7f), 0], [0x60, 2, 0x7f, 0x7f, 0]),
    ...section(2, [...text("e"), ...text("m"), 2, 0, 1]),
    ...section(3, [0], [1]),
    ...section(7, [...text("multiply"), 0, 0], [...text("tanh"), 0, 1]),
    ...section(10, code([2, 6, 0x7f, 15, 0x7b], multiply), code([1, 5, 0x7b], tanh)),
  ]);
}

// The same in JavaScript, for browsers without vectors: `samples` of a tile rather than whole blocks.
function plainKernel(memory) {
  const m = new Float32Array(memory.buffer);
  return {
    // Three outputs of four samples at a time: as many sums as there are registers.
    multiply(x, w, bias, out, k, panels, samples, stride) {
      x >>= 2; w >>= 2; bias >>= 2; out >>= 2; stride >>= 2;
      for (let half = 0; half < 2 * panels; half++, bias += 3, out += 3 * stride) {
        const start = w + (half >> 1) * PANEL * k + (half & 1) * 3;
        for (let s = 0; s < samples; s += 4) {
          let a0 = m[bias], b0 = m[bias + 1], c0 = m[bias + 2];
          let a1 = a0, b1 = b0, c1 = c0, a2 = a0, b2 = b0, c2 = c0, a3 = a0, b3 = b0, c3 = c0;
          for (let i = 0, at = x + s, v = start; i < k; i++, at += stride, v += PANEL) {
            const a = m[v], b = m[v + 1], c = m[v + 2], x0 = m[at], x1 = m[at + 1], x2 = m[at + 2], x3 = m[at + 3];
            a0 += a * x0; a1 += a * x1; a2 += a * x2; a3 += a * x3;
            b0 += b * x0; b1 += b * x1; b2 += b * x2; b3 += b * x3;
            c0 += c * x0; c1 += c * x1; c2 += c * x2; c3 += c * x3;
          }
          let to = out + s;
          m[to] = a0; m[to + 1] = a1; m[to + 2] = a2; m[to + 3] = a3; to += stride;
          m[to] = b0; m[to + 1] = b1; m[to + 2] = b2; m[to + 3] = b3; to += stride;
          m[to] = c0; m[to + 1] = c1; m[to + 2] = c2; m[to + 3] = c3;
        }
      }
    },
    tanh(place, count) {
      for (let i = place >> 2, end = i + 4 * count; i < end; i++) {
        // The smallest numbers are kept to all their digits: inputs that hardly vary are scaled up by as much.
        if (Math.abs(m[i]) < 1e-4) continue;
        const e = Math.exp(-2 * Math.abs(m[i])), t = (1 - e) / (1 + e);
        m[i] = m[i] < 0 ? -t : t;
      }
    },
  };
}

// The quickest that runs here, on memory of so many bytes: {name, lanes, memory, multiply, tanh}.
function makeKernel(bytes, plain) {
  const pages = Math.ceil(bytes / 65536);
  for (const fused of plain || typeof WebAssembly !== "object" ? [] : [true, false]) {
    try {
      const memory = new WebAssembly.Memory({initial: pages}), code = new WebAssembly.Module(assemble(fused));
      const {multiply, tanh} = new WebAssembly.Instance(code, {e: {m: memory}}).exports;
      const run = (x, w, bias, out, k, panels, samples, stride) =>
        multiply(x, w, bias, out, k, panels, Math.ceil(samples / LANES), stride);
      return {name: fused ? "WebAssembly, fused" : "WebAssembly", memory, multiply: run, tanh};
    } catch (error) {
      // A browser without these instructions, or one that compiles nothing for pages from disk.
      if (!(error instanceof WebAssembly.CompileError)) throw error;
    }
  }
  const memory = {buffer: new ArrayBuffer(pages * 65536)};
  return {name: "JavaScript", memory, ...plainKernel(memory)};
}
