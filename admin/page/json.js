// JSON set in lines and taken out of them without reading its values: numbers that
// JavaScript cannot hold and names that come twice stay as they are.

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

// isJSON says whether a text is a JSON value.
export function isJSON(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// compact is a JSON text without blanks.
export const compact = (text) => text.match(tokens).join("");

// indent sets a JSON text in lines; other texts stay as they are.
export function indent(text) {
  if (!isJSON(text)) return text;
  let out = "";
  let depth = 0;
  let before = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const token of text.match(tokens)) {
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    const opened = before === "{" || before === "[";
    if (closes ? !opened : opened || before === ",") out += line();
    out += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
    before = token;
  }
  return out;
}
