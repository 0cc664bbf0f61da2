"""Nothing in our pages needs a newer browser than Chrome 100, Firefox 102 or Safari 15.4.

The tables hold what somebody may want to use; MDN says of each since when it is known.
"""

import re

from devstack.processes import ROOT
from onboarding.themes import BUILT_IN

CSS = (
    r"(?<![\w-])(light-dark|color-mix|contrast-color|oklch|oklab|lch|lab|color|if|anchor)\("
    r"|(?<![\w-])(round|mod|rem|sin|cos|tan|pow|sqrt|hypot|exp|abs|sign|sibling-index)\("
    r"|:(has|state|nth-child\([^)]* of)\b|:(modal|open|popover-open|user-valid|user-invalid)\b"
    r"|@(container|property|scope|starting-style|position-try|function)\b|\bsubgrid\b"
    r"|(?<![\w-])(rotate|translate|scale|field-sizing|interpolate-size|scrollbar-gutter)(?=:)"
    r"|(?<=\d)([sld]v[hwib]|[sld]v(min|max)|cq([whib]|min|max)|rlh|lh)\b"
    r"|\((width|height) *[<>=]|(?<=[{;}\n]) *&"
)
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

MEMBERS = "|".join(rf"\b{re.escape(name.rpartition('.')[2])}\b" for name in SCRIPTS)
# What each kind of file may not hold.
NEWER = {".css": CSS, ".js": f"{SYNTAX}|\\.({MEMBERS})", ".html": ATTRIBUTES}


def test_no_file_uses_what_the_oldest_browsers_lack() -> None:
    files = [
        file
        for folder in ("static", "templates")
        for file in (ROOT / "onboarding" / folder).rglob("*")
        if file.suffix in NEWER
    ]
    texts = {file.name: (file.suffix, file.read_text()) for file in files}
    texts |= {f"theme {name}": (".css", theme.css()) for name, theme in BUILT_IN.items()}
    assert {"style.css", "embed.js", "base.html"} <= texts.keys()
    found = {name: re.search(NEWER[kind], text) for name, (kind, text) in texts.items()}
    assert {name: match[0] for name, match in found.items() if match} == {}


def test_a_text_for_screen_readers_comes_after_the_declaration_that_all_know() -> None:
    style = (ROOT / "onboarding" / "static" / "style.css").read_text()
    assert (
        style.count('/ "";') == len(re.findall(r'content: ("[^"]+"); content: \1 / "";', style)) > 0
    )
