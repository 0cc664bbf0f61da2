"""What the oldest supported browsers don't know: Chrome 100, Firefox 102 and Safari 15.4.

The tables hold what somebody may want to use; MDN says of each since when it is known.
"""

CSS = (
    r"(?<![\w-])(light-dark|color-mix|contrast-color|oklch|oklab|lch|lab|color|if|anchor)\("
    r"|(?<![\w-])(round|mod|rem|sin|cos|tan|pow|sqrt|hypot|exp|abs|sign|sibling-index)\("
    r"|:(has|state|nth-child\([^)]* of)\b|:(modal|open|popover-open|user-valid|user-invalid)\b"
    r"|@(container|property|scope|starting-style|position-try|function)\b|\bsubgrid\b"
    r"|(?<![\w-])(rotate|translate|scale|field-sizing|interpolate-size|scrollbar-gutter)(?=:)"
    r"|(?<=\d)([sld]v[hwib]|[sld]v(min|max)|cq([whib]|min|max)|rlh|lh)\b"
    r"|\((width|height) *[<>=]|(?<=[{;}\n]) *&"
)
# Without these a page is a little plainer, and that is all.
PLAINER = r"""(?<![\w-])text-wrap(?=:)|/ ""(?=;)"""
SCRIPTS = (
    *("URL.canParse", "URL.parse", "Array.prototype.findLast", "Array.prototype.findLastIndex"),
    *("Array.prototype.toSorted", "Array.prototype.toReversed", "Array.prototype.with"),
    *("Array.fromAsync", "Object.groupBy", "Map.groupBy", "Promise.withResolvers", "Promise.try"),
    *("AbortSignal.timeout", "AbortSignal.any", "Set.prototype.union", "RegExp.escape"),
    *("Document.prototype.adoptedStyleSheets", "ShadowRoot.prototype.adoptedStyleSheets"),
    *("CSSStyleSheet.prototype.replaceSync", "Document.prototype.startViewTransition"),
    *("Element.prototype.checkVisibility", "Element.prototype.moveBefore"),
    *("Element.prototype.setHTMLUnsafe", "HTMLElement.prototype.showPopover"),
    *("String.prototype.isWellFormed", "window.requestIdleCallback", "window.navigation"),
    *("window.scheduler", "window.CloseWatcher", "window.Iterator"),
)
SYNTAX = r"\bstatic \{|\(\?<[=!]|\busing \w+ ="
ATTRIBUTES = r"<[^>]* (inert|popover\w*|command\w*|closedby|blocking|interestfor)\b"
