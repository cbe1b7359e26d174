// Random numbers of a seed, others than NumPy's of that seed.
"use strict";

// Numbers between 0 and 1, neither of them.
function uniforms(seed) {
  let state = (seed >>> 0) ^ Math.floor(seed / 2 ** 32);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return (((x ^ (x >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

// Standard normal numbers.
function normal(seed, size) {
  const uniform = uniforms(seed);
  return Float32Array.from(
    {length: size},
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

// Standard Gumbel numbers.
function gumbel(seed, size) {
  const uniform = uniforms(seed);
  return Float64Array.from({length: size}, () => -Math.log(-Math.log(uniform())));
}
