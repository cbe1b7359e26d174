// float16, for the page and its workers.
"use strict";

// The number that 16 bits stand for.
function halfOf(bits) {
  const exponent = (bits >> 10) & 31,
    fraction = bits & 1023;
  const size =
    exponent === 31
      ? fraction
        ? NaN
        : Infinity
      : exponent
        ? (1 + fraction / 1024) * 2 ** (exponent - 15)
        : fraction * 2 ** -24;
  return bits >> 15 ? -size : size;
}

// A number as float16 keeps it; decoders were made for latents that are stored so.
function half(x) {
  if (Math.abs(x) < 2 ** -14) return Math.round(x * 2 ** 24) / 2 ** 24;
  const spread = x * (2 ** 42 + 1);
  return spread - (spread - x);
}
