/**
 * Light, dark, or as the system has it.
 *
 * @module
 */
import { setText } from "./element.js";

const KEY = "sluice-theme";
const CHOICES = [
  ["auto", "◐", "Auto", "as the system"],
  ["light", "○", "Light", "light"],
  ["dark", "●", "Dark", "dark"],
];

/** Shows the chosen scheme, and takes another choice from the button. @param changed told after each change */
export function startTheme(button, changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const choice = chosen();
    const [, icon, text, told] = CHOICES.find(([name]) => name === choice);
    const isDark = choice === "dark" || (choice === "auto" && system.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    setText(button.firstElementChild, icon);
    setText(button.lastElementChild, text);
    button.setAttribute("aria-label", `Colour scheme: ${told}`);
    changed();
  };
  button.addEventListener("click", () => {
    const at = CHOICES.findIndex(([name]) => name === chosen());
    localStorage.setItem(KEY, CHOICES[(at + 1) % CHOICES.length][0]);
    show();
  });
  system.addEventListener("change", show);
  show();
}

function chosen() {
  const kept = localStorage.getItem(KEY);
  return CHOICES.some(([name]) => name === kept) ? kept : "auto";
}
