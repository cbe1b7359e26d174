// What both parts of the page share: workers, pictures, and what is shown and saved.
"use strict";
const about = JSON.parse(document.getElementById("about").textContent);
const find = id => document.getElementById(id);
const MOST_WORKERS = 4;

function show(id, text) {
  find(id).hidden = !text;
  find(id).textContent = text || "";
}

// Workers that hold the modules; one job each at a time, the first that is free takes the next. Where a browser lends
// none to pages from disk, the page does it itself.
class Workers {
  constructor() {
    this.free = [];
    this.waiting = [];
    this.ready = this.start();
  }

  async start() {
    if (typeof DecompressionStream === "undefined")
      throw Error("This browser is too old for this page: it cannot unpack what is in it.");
    const text = atob(find("content").textContent),
      packed = Uint8Array.from({length: text.length}, (_, i) => text.charCodeAt(i));
    find("content").remove();
    const content = (await inflated(packed, "deflate")).buffer,
      plain = location.hash === "#plain";
    const count = about.set ? 1 : Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 2);
    const workers = await Promise.all(Array.from({length: count}, () => this.spawn()));
    const answers = await Promise.all(workers.map(work => work({job: "start", given: {about, content, plain}})));
    for (const {error} of answers) if (error) throw Error(error);
    this.size = count;
    workers.forEach(work => this.release(work));
    return answers[0].result.kernel;
  }

  async spawn() {
    const code = find("code").textContent;
    try {
      const url = URL.createObjectURL(new Blob([code], {type: "text/javascript"})),
        worker = new Worker(url),
        open = new Map();
      let next = 0;
      await new Promise((resolve, reject) => {
        worker.onmessage = resolve;
        worker.onerror = reject;
      });
      worker.onmessage = ({data}) => {
        open.get(data.id)(data);
        open.delete(data.id);
      };
      worker.onerror = () => open.forEach(resolve => resolve({error: "The browser ended the work on it."}));
      return data =>
        new Promise(resolve => {
          open.set(++next, resolve);
          worker.postMessage({...data, id: next});
        });
    } catch {
      const script = document.createElement("script");
      script.textContent = `globalThis.serveHere = (() => {${code}; return makeServer();})()`;
      document.head.append(script);
      const serve = globalThis.serveHere;
      return async data => serve(data);
    }
  }

  release(work) {
    const next = this.waiting.shift();
    if (next) next(work);
    else this.free.push(work);
  }

  // The answer to a job: {result, ms}; an Error where it cannot be done. A function makes what is given once it starts.
  async ask(job, given) {
    await this.ready;
    const work = this.free.pop() || (await new Promise(resolve => this.waiting.push(resolve)));
    try {
      const answer = await work({job, given: typeof given === "function" ? given() : given});
      if (answer.error) throw Error(answer.error);
      return answer;
    } finally {
      this.release(work);
    }
  }
}

const workers = new Workers();
workers.ready.then(kernel => {
  find("engine").textContent = `Runs on ${kernel}.`;
});
addEventListener("unhandledrejection", event => {
  event.preventDefault();
  show("fault", event.reason.message);
});

// Write pixels, RGBA, onto a canvas.
function paint(canvas, pixels, width, height) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const savePng = (canvas, name) => canvas.toBlob(blob => save(blob, `${name}.png`), "image/png");
// A text as the name of a file.
const named = text =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60) || "picture";
