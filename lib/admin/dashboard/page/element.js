/**
 * Elements from script. Text is always text: nothing that a peer has chosen becomes markup.
 *
 * @module
 */

/**
 * Makes an element.
 *
 * @param tag name, with classes: `p.soft`
 * @param properties attributes; `style` takes a map, functions are listeners
 * @param children elements or texts
 */
export function h(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (key === "style") Object.assign(element.style, value);
    else if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Sets a text, if it is another one. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
