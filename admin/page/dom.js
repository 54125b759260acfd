// Making and changing elements. Text is only ever set as text: nothing here or elsewhere
// parses HTML, so whatever an event carries stays what it is.

const SVG = "http://www.w3.org/2000/svg";

// el makes an element. A property that starts with "on" is a listener; class, aria-*,
// data-* and the like are attributes; children are nodes or texts, and null is nothing.
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

// svg makes an element of a drawing.
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

// setText changes a text only where it differs: an update that changes nothing costs nothing.
export function setText(node, text) {
  const value = String(text);
  if (node.textContent !== value) node.textContent = value;
}

// setAttr changes an attribute only where it differs; null removes it.
export function setAttr(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

// replace puts children in the place of all that a node has.
export function replace(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

let last = 0;

// uniqueId is an id that labels can refer to.
export function uniqueId(prefix) {
  last += 1;
  return `${prefix}-${last}`;
}
