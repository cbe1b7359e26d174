// What all parts of the page share: asking the server, and showing what it says.
export const find = id => document.getElementById(id);

export function show(id, text) {
  find(id).hidden = !text;
  find(id).textContent = text || "";
}

// A refusal of the server in its own words; `wait` is in seconds where asking again may help.
export class Refused extends Error {
  constructor(message, status, wait) {
    super(message);
    this.status = status;
    this.wait = wait;
  }
}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer. Is ola serve still running?", 0);
  }
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const wait = answer.status === 429 ? Number(answer.headers.get("Retry-After")) || 1 : 0;
  throw new Refused(told.detail || `The server answered with ${answer.status}.`, answer.status, wait);
}

export const asJson = (value, signal) => ({
  method: "POST",
  headers: {"Content-Type": "application/json"},
  body: JSON.stringify(value),
  signal,
});

export const later = seconds => new Promise(resolve => setTimeout(resolve, 1000 * seconds));
export const asUrl = png => `data:image/png;base64,${png}`;
export const milliseconds = seconds => `${Math.max(1, Math.round(1000 * seconds))} ms`;

export function list(target, figures) {
  target.replaceChildren(
    ...Object.entries(figures).map(([name, value]) => {
      const pair = document.createElement("div");
      for (const [kind, text] of [["dt", name], ["dd", value]]) {
        const part = document.createElement(kind);
        part.textContent = text;
        pair.append(part);
      }
      return pair;
    }),
  );
}

// A picture of a file as a canvas: at most so many pixels, or the square in its middle at a size.
export async function canvasOf(file, {most, square}) {
  let image;
  try {
    image = await createImageBitmap(file);
  } catch {
    throw new Refused(`${file.name || "It"} is not a picture that this browser knows.`, 422);
  }
  const canvas = document.createElement("canvas");
  let {width, height} = image,
    left = 0,
    top = 0;
  if (square) {
    const side = Math.min(width, height);
    [left, top, width, height] = [(width - side) / 2, (height - side) / 2, side, side];
    canvas.width = canvas.height = Math.min(square, side);
  } else {
    const share = Math.min(1, Math.sqrt(most / (width * height)));
    canvas.width = Math.max(1, Math.floor(width * share));
    canvas.height = Math.max(1, Math.floor(height * share));
  }
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, left, top, width, height, 0, 0, canvas.width, canvas.height);
  canvas.shrunk = image.width > canvas.width && !square;
  image.close();
  return canvas;
}

// Files that are dropped onto an element.
export function takeDrops(element, take) {
  for (const kind of ["dragover", "dragleave", "drop"])
    element.addEventListener(kind, event => {
      event.preventDefault();
      element.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
    });
}

export const about = ask("api/about").catch(error => {
  show("fault", error.message);
  return null;
});
