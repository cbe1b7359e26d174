// Styles of texts, as olacore/text/style.py has them: for the page of a set, its worker, and the page of `ola serve`.
"use strict";

// The words of a text, with single blanks.
const wordsIn = text =>
  (
    text
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+(?:['\u2019][\p{L}\p{N}]+)*/gu) || []
  )
    .join(" ")
    .replaceAll("\u2019", "'");

// The style whose words a text has, of several the one that ends last, then the longest.
const styleIn = (text, styles) => {
  const words = ` ${wordsIn(text)} `,
    end = style => words.lastIndexOf(` ${wordsIn(style)} `) + wordsIn(style).length,
    found = styles.filter(style => words.includes(` ${wordsIn(style)} `));
  return found.sort((a, b) => end(b) - end(a) || wordsIn(b).length - wordsIn(a).length)[0] || "";
};

// As olacore/text/style.py joins them.
const styled = (text, style) =>
  !style || ` ${wordsIn(text)}`.endsWith(` ${wordsIn(style)}`) ? text : `${text}, ${style}`;

// A caption as the prompt and the style to choose for it, of several the longest: "" where it has none, and for the
// usual one, unless another stands in the rest. What is read of both is the caption.
const parted = (caption, styles, usual) => {
  const rest = style => (style ? caption.slice(0, -style.length - 2) : caption),
    fits = styles.filter(style => styled(rest(style), style) === caption),
    style = fits.sort((a, b) => b.length - a.length)[0] || "",
    prompt = rest(style);
  return [prompt, style === usual && (styleIn(prompt, styles) || usual) === usual ? "" : style];
};
