// The codec playground: a picture through an encoder and its decoder.
import {about, ask, asUrl, canvasOf, find, list, later, milliseconds, show, takeDrops} from "./common.js";

const told = await about;
let picture = null,
  turn = 0;

const codec = () => document.querySelector("[name=codec]:checked").value;
const kilobytes = bytes => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

async function give(file) {
  show("refused", "");
  try {
    const canvas = await canvasOf(file, {most: told.codec_pixels});
    picture = await new Promise(resolve => canvas.toBlob(resolve, "image/png"));
    show("remark", canvas.shrunk ? `It was made smaller first: ${canvas.width} \u00d7 ${canvas.height} pixels.` : "");
    URL.revokeObjectURL(find("original").src);
    find("original").src = URL.createObjectURL(picture);
  } catch (error) {
    show("refused", error.message);
    return;
  }
  await run();
}

async function run() {
  if (!picture) return;
  const mine = ++turn,
    name = codec();
  find("figures").replaceChildren();
  try {
    const found = await ask(`api/codec/${encodeURIComponent(name)}`, {method: "POST", body: picture});
    if (mine !== turn) return;
    show("refused", "");
    find("codec").querySelector(".pair").hidden = false;
    find("decoded").src = find("save-decoded").href = asUrl(found.png);
    find("save-decoded").download = `${name}.png`;
    list(find("figures"), {
      PSNR: `${found.psnr.toFixed(2)} dB`,
      Latent: found.latent.join(" \u00d7 "),
      "As float16": `${kilobytes(found.latent_bytes)}, 1/${Math.round(found.picture_bytes / found.latent_bytes)} of the pixels`,
      Encoded: milliseconds(found.encode_seconds),
      Decoded: milliseconds(found.decode_seconds),
    });
  } catch (error) {
    if (mine !== turn) return;
    show("refused", error.message);
    if (!error.wait) return;
    await later(error.wait);
    if (mine === turn) await run();
  }
}

if (told) {
  find("codecs").replaceChildren(
    ...told.codecs.map(({name, latents}, place) => {
      const choice = document.createElement("label"),
        radio = document.createElement("input");
      Object.assign(radio, {type: "radio", name: "codec", value: name, checked: !place});
      radio.addEventListener("change", run);
      choice.title = `Latents: ${latents}`;
      choice.append(radio, name);
      return choice;
    }),
  );
  find("codec").hidden = !told.codecs.length;
  find("file").addEventListener("change", ({target}) => {
    if (target.files.length) give(target.files[0]);
    target.value = "";
  });
  takeDrops(find("codec"), give);
  document.addEventListener("paste", ({clipboardData}) => {
    if (clipboardData.files.length) give(clipboardData.files[0]);
  });
  // A file that is dropped beside everything would take the page's place.
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, event => event.preventDefault());
}
