/**
 * Names of event handler attributes of HTML and SVG.
 *
 * Source: https://html.spec.whatwg.org/multipage/indices.html#ix-event-handlers and SVG 2, 16.
 *
 * @module
 */

const EVENTS = `
  abort afterprint animationcancel animationend animationiteration animationstart auxclick
  beforeinput beforematch beforeprint beforetoggle beforeunload begin blur cancel canplay
  canplaythrough change click close contextlost contextmenu contextrestored copy cuechange cut
  dblclick drag dragend dragenter dragleave dragover dragstart drop durationchange emptied end
  ended error focus focusin focusout formdata gotpointercapture hashchange input invalid keydown
  keypress keyup languagechange load loadeddata loadedmetadata loadstart lostpointercapture
  message messageerror mousedown mouseenter mouseleave mousemove mouseout mouseover mouseup
  mousewheel offline online pagehide pageshow paste pause play playing pointercancel pointerdown
  pointerenter pointerleave pointermove pointerout pointerover pointerup popstate progress
  ratechange rejectionhandled repeat reset resize scroll scrollend search securitypolicyviolation
  seeked seeking select selectionchange selectstart show slotchange stalled storage submit suspend
  timeupdate toggle touchcancel touchend touchmove touchstart transitioncancel transitionend
  transitionrun transitionstart unhandledrejection unload volumechange waiting wheel
`;

/** All lower case, with `on`. */
export const EVENT_HANDLERS: readonly string[] = EVENTS.trim().split(/\s+/).map((name) =>
  `on${name}`
);
