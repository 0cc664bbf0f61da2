"""What the oldest supported browsers don't know: Chrome 100, Firefox 102 and Safari 15.4.

The table holds what somebody may want to use. A name stands as it is written: `:has(` is a selector, `dvh`
a unit, `rotate:` a property.
"""

import re

CSS = (
    *("light-dark(", "color-mix(", "oklch(", "oklab(", "lch(", "lab(", "color("),
    *("round(", "mod(", "sin(", "cos(", "pow(", "anchor(", "if(", "sibling-index("),
    *(":has(", ":modal", ":popover-open", ":user-valid", ":user-invalid", ":state(", ":open"),
    *("@container", "@property", "@scope", "@starting-style", "@position-try", "subgrid"),
    *("rotate:", "translate:", "scale:", "field-sizing:", "interpolate-size:", "scrollbar-gutter:"),
    *("contrast-color(", "overflow: clip", "(width <", "(width >", "&:", "& "),
    *("dvh", "svh", "lvh", "dvw", "cqw", "cqi", "rlh"),
)
# Without these a page looks a little plainer, and that is all.
PLAINER = ("text-wrap:", '/ ""')
SCRIPT = (
    *("URL.canParse", "URL.parse", "Array.prototype.findLast", "Array.prototype.toSorted"),
    *("Array.prototype.toReversed", "Array.prototype.with", "Array.fromAsync", "Object.groupBy"),
    *("Promise.withResolvers", "Promise.try", "AbortSignal.timeout", "AbortSignal.any"),
    *("Document.prototype.adoptedStyleSheets", "ShadowRoot.prototype.adoptedStyleSheets"),
    *("CSSStyleSheet.prototype.replaceSync", "Document.prototype.startViewTransition"),
    *("Element.prototype.checkVisibility", "Element.prototype.setHTMLUnsafe", "Element.prototype.moveBefore"),
    *("HTMLElement.prototype.showPopover", "HTMLElement.prototype.togglePopover"),
    *("Set.prototype.union", "String.prototype.isWellFormed", "window.requestIdleCallback"),
    *("window.navigation", "window.scheduler", "window.CloseWatcher", "window.Iterator"),
)
# Syntax of scripts: a class's static block, and looking behind in a regular expression.
SYNTAX = ("static {", "(?<=", "(?<!", "using ")
ATTRIBUTES = ("inert", "popover", "popovertarget", "commandfor", "closedby", "blocking")


def pattern(names: tuple[str, ...]) -> str:
    """Return a regular expression, of Python and JavaScript, for these names."""
    return "|".join(rf"(?:(?<![\w-])|(?<=\d)){re.escape(name)}" for name in names)
