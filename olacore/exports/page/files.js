// Latents in files: .npy, .npz, .safetensors and .latent, read within their bounds; and .npz written.
"use strict";
const MOST_BYTES = 2 ** 28;
// What a latent is called that is not alone in its file, as `ola decode` takes it; the last is ComfyUI's.
const NAMES = ["latents", "latent", "samples", "latent_tensor"];

// {latent: Float32Array, shape: [C, h, w], spaces: that it belongs to, size: [height, width] of its picture or null,
// note: what was done to it}; an Error of one sentence where the file is something else. raw: {scaling, shift} that
// makes raw latents scaled ones.
async function readLatent(name, buffer, raw) {
  const bytes = new Uint8Array(buffer),
    about = {spaces: [], size: null, note: ""};
  const starts = text => [...text].every((letter, i) => bytes[i] === letter.charCodeAt());
  let array;
  if (starts("\x93NUMPY")) {
    array = readNpy(name, bytes);
  } else if (starts("PK\x03\x04")) {
    const members = await readZip(name, buffer, ["latent.npy", "olacore.npy"]);
    if (!members["latent.npy"]) throw Error(`${name} holds no array 'latent'; \`ola encode\` writes such files.`);
    array = readNpy(name, members["latent.npy"]);
    if (members["olacore.npy"]) Object.assign(about, readAbout(name, members["olacore.npy"]));
  } else if (bytes.length > 10 && bytes[8] === 123) {
    array = readSafetensors(name, buffer, raw, about);
  } else {
    throw Error(`${name} is neither a picture nor a latent (.npz, .npy, .safetensors or .latent).`);
  }
  return {...about, ...checkedLatent(name, array)};
}

// A latent as nested lists in JSON.
function readList(text) {
  let list;
  try {
    list = JSON.parse(text);
  } catch {
    throw Error("What was pasted is no latent: it is neither a file nor lists of numbers in JSON.");
  }
  const shape = [];
  for (let part = list; Array.isArray(part); part = part[0]) shape.push(part.length);
  const values = Array.isArray(list) ? list.flat(Infinity) : [];
  if (values.length !== shape.reduce((a, b) => a * b, 1) || values.some(value => typeof value !== "number")) {
    throw Error("What was pasted is no latent: its lists must hold numbers, and be of equal lengths.");
  }
  return {
    spaces: [],
    size: null,
    note: "",
    ...checkedLatent("What was pasted", {values: Float32Array.from(values), shape}),
  };
}

function checkedLatent(name, {values, shape}) {
  while (shape.length === 4 && shape[0] === 1) shape = shape.slice(1);
  if (shape.length !== 3 || shape.includes(0))
    throw Error(`${name} holds an array of shape (${shape.join(", ")}); a latent is (C, h, w).`);
  if (!values.every(Number.isFinite)) throw Error(`${name} holds NaN or inf.`);
  if (values.some(value => Math.abs(value) > 65504))
    throw Error(`${name} holds numbers past float16, so large that they are no latent.`);
  return {latent: values, shape};
}

const SHIFTED = new DataView(new ArrayBuffer(4));
const FLOATS = {
  f2: (view, at) => halfOf(view.getUint16(at, true)),
  f4: (view, at) => view.getFloat32(at, true),
  f8: (view, at) => view.getFloat64(at, true),
  bf: (view, at) => (SHIFTED.setUint16(2, view.getUint16(at, true), true), SHIFTED.getFloat32(0, true)),
};

function readFloats(name, type, shape, bytes) {
  const size = shape.reduce((a, b) => a * b, 1),
    width = {f2: 2, bf: 2, f4: 4, f8: 8}[type];
  if (!width) throw Error(`${name} holds no floats; a latent is float16, float32 or float64.`);
  if (!Number.isSafeInteger(size) || size * width > MOST_BYTES) throw Error(`${name} is too large for a latent.`);
  if (bytes.length < size * width)
    throw Error(`${name} is cut short: ${bytes.length} of ${size * width} bytes are there.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset),
    values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = FLOATS[type](view, i * width);
  return {values, shape};
}

function npyHeader(name, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    long = bytes[6] > 1;
  if (bytes.length < 12) throw Error(`${name} is cut short.`);
  const start = long ? 12 : 10,
    length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const text = new TextDecoder("latin1").decode(bytes.subarray(start, start + length));
  const [type, order, sides] = [
    /'descr':\s*'([^']*)'/,
    /'fortran_order':\s*(True|False)/,
    /'shape':\s*\(([^)]*)\)/,
  ].map(pattern => (pattern.exec(text) || [])[1]);
  if (type === undefined || order === undefined || sides === undefined)
    throw Error(`${name} is no plain array of NumPy.`);
  if (order === "True") throw Error(`${name} is stored by columns; save it with np.ascontiguousarray.`);
  return {
    type,
    shape: sides
      .split(",")
      .filter(side => side.trim())
      .map(Number),
    data: bytes.subarray(start + length),
  };
}

function readNpy(name, bytes) {
  const {type, shape, data} = npyHeader(name, bytes);
  return readFloats(name, /^[<=]/.test(type) ? type.slice(1) : "", shape, data);
}

// What `ola encode` says of a latent, JSON in an array of one text.
function readAbout(name, bytes) {
  try {
    const {type, data} = npyHeader(name, bytes),
      letters = Number(type.replace("<U", ""));
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const codes = Array.from({length: letters}, (_, i) => view.getUint32(4 * i, true)).filter(Boolean);
    const about = JSON.parse(codes.map(code => String.fromCodePoint(code)).join(""));
    return {spaces: [about.makes, about.imitates].filter(Boolean), size: about.size};
  } catch {
    throw Error(`${name} is damaged: what it says of its latent cannot be read.`);
  }
}

// The only tensor, or the one that is called as latents are; `.latent` files of ComfyUI mark raw ones by an empty one.
function readSafetensors(name, buffer, raw, about) {
  const length = Number(new DataView(buffer).getBigUint64(0, true)),
    damaged = Error(`${name} is damaged: it is cut short, or no safetensors file.`);
  let tensors;
  try {
    const {__metadata__, ...header} = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    tensors = new Map(Object.entries(header));
  } catch {
    throw damaged;
  }
  const names = [...tensors.keys()],
    comfy = name.endsWith(".latent");
  if (comfy && !tensors.has("latent_tensor"))
    throw Error(`${name} is no .latent file of ComfyUI: it holds no tensor 'latent_tensor'.`);
  const chosen = comfy ? "latent_tensor" : NAMES.find(one => tensors.has(one)) || names[0];
  if (!names.length) throw Error(`${name} holds no tensor; a latent is one, alone or by its name.`);
  if (names.length > 1 && !NAMES.includes(chosen))
    throw Error(`${name} holds ${names.length} tensors (${names.join(", ").slice(0, 80)}); name the latent 'latents'.`);
  const {dtype, shape, data_offsets: places} = tensors.get(chosen) || {};
  if (!Array.isArray(shape) || !Array.isArray(places)) throw damaged;
  const bytes = new Uint8Array(buffer).subarray(8 + length + places[0], 8 + length + places[1]);
  const array = readFloats(name, {F16: "f2", BF16: "bf", F32: "f4", F64: "f8"}[dtype], shape, bytes);
  if (comfy && tensors.has("latent_format_version_0")) {
    if (!raw) throw Error(`${name} holds raw latents of ComfyUI, and the scale of this decoder's model is not known.`);
    array.values = array.values.map(value => (value - raw.shift) * raw.scaling);
    about.note = `Raw latents of ComfyUI: ${raw.shift ? `${raw.shift} taken off, ` : ""}multiplied by ${raw.scaling}.`;
  }
  return array;
}

// Members of a zip file by name, those that are wanted.
async function readZip(name, buffer, wanted) {
  const view = new DataView(buffer),
    members = {},
    damaged = Error(`${name} is damaged: it is no complete zip file.`);
  let end = buffer.byteLength - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw damaged;
  try {
    for (let count = view.getUint16(end + 10, true), at = view.getUint32(end + 16, true); count--;) {
      const [method, packed, size, letters, extra, comment, start] = [
        [10, 2],
        [20, 4],
        [24, 4],
        [28, 2],
        [30, 2],
        [32, 2],
        [42, 4],
      ].map(([place, width]) => (width === 2 ? view.getUint16(at + place, true) : view.getUint32(at + place, true)));
      const member = new TextDecoder().decode(new Uint8Array(buffer, at + 46, letters));
      at += 46 + letters + extra + comment;
      if (!wanted.includes(member)) continue;
      if (packed > MOST_BYTES || size > MOST_BYTES) throw damaged;
      const begin = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
      // A copy, so that numbers begin at the start of a buffer.
      const bytes = new Uint8Array(buffer, begin, packed).slice();
      members[member] = method === 0 ? bytes : method === 8 ? await inflated(bytes, "deflate-raw", size) : null;
    }
  } catch {
    throw damaged;
  }
  return members;
}

// Bytes unpacked; an Error where there are more of them than are said.
async function inflated(bytes, form, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(form)).getReader(),
    parts = [];
  let size = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    size += step.value.length;
    if (size > most) {
      reader.cancel().catch(() => {});
      throw Error("There is more than was said.");
    }
    parts.push(step.value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

// A latent as `ola encode` writes it.
function writeLatent(latent, shape, about) {
  const npy = (type, sides, data) => {
    const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sides}), }`;
    const text = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + "\n";
    const lead = Uint8Array.of(0x93, 78, 85, 77, 80, 89, 1, 0, text.length & 255, text.length >> 8);
    const bytes = new Uint8Array(lead.length + text.length + data.length);
    bytes.set(lead);
    bytes.set(BYTES_OF.encode(text), lead.length);
    bytes.set(data, lead.length + text.length);
    return bytes;
  };
  const text = JSON.stringify(about);
  return zipped({
    "latent.npy": npy("<f4", shape.join(", "), new Uint8Array(latent.buffer, latent.byteOffset, latent.byteLength)),
    "olacore.npy": npy(
      `<U${text.length}`,
      "",
      new Uint8Array(Uint32Array.from(text, letter => letter.charCodeAt()).buffer),
    ),
  });
}
const BYTES_OF = new TextEncoder();

function checksum(bytes) {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

// Files put together without compression.
function zipped(members) {
  const parts = [],
    list = [];
  let at = 0;
  const record = (...fields) => {
    const bytes = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0)),
      view = new DataView(bytes.buffer);
    let place = 0;
    for (const [width, value] of fields) {
      if (width === 2) view.setUint16(place, value, true);
      else view.setUint32(place, value, true);
      place += width;
    }
    return bytes;
  };
  for (const [name, data] of Object.entries(members)) {
    const title = BYTES_OF.encode(name),
      size = data.length;
    const common = [
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 33],
      [4, checksum(data)],
      [4, size],
      [4, size],
      [2, title.length],
      [2, 0],
    ];
    parts.push(record([4, 0x04034b50], [2, 20], ...common), title, data);
    list.push(record([4, 0x02014b50], [2, 20], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), title);
    at += 30 + title.length + size;
  }
  const length = list.reduce((sum, part) => sum + part.length, 0),
    count = list.length / 2;
  return new Blob([
    ...parts,
    ...list,
    record([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, at], [2, 0]),
  ]);
}
