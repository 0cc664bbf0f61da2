"""Ways in which a main site's page may lay out <onboarding-frame>, for every engine."""

_STYLES = {
    "block": "",
    "flex row": "display: flex",
    "centred flex row": "display: flex; justify-content: center; align-items: center",
    "centred flex column": "display: flex; flex-direction: column; align-items: center",
    "grid": "display: grid",
    "centred grid": "display: grid; place-items: center",
    "inline-block": "display: inline-block",
    "inline-flex": "display: inline-flex",
    "table": "display: table",
    "float": "float: left",
    "absolute": "position: absolute",
    "wider than the window": "width: 150vw",
}
LAYOUTS = {name: f'<div style="{style}"><i></i></div>' for name, style in _STYLES.items()} | {
    "dialog": "<dialog><i></i></dialog>",
    "block in a flex row": '<div style="display: flex"><section><i></i></section></div>',
    "beside another in a flex row": '<div style="display: flex"><nav>Menu</nav><i></i></div>',
    "beside another in a grid": (
        '<div style="display: grid; grid-template-columns: auto auto"><nav>Menu</nav><i></i></div>'
    ),
}

# A function of the layouts: the names of those that the frame doesn't fill. `<i>` is the element's place.
UNFILLED = """(layouts) => {
  const element = document.querySelector("onboarding-frame");
  document.head.insertAdjacentHTML("beforeend", "<style>* { margin: 0; padding: 0; border: 0 }</style>");
  const unfilled = {};
  for (const [name, html] of Object.entries(layouts)) {
    document.body.innerHTML = html;
    document.querySelector("i").replaceWith(element);
    document.querySelector("dialog")?.showModal();
    const width = (one) => one?.getBoundingClientRect().width ?? 0;
    const frame = width(element.shadowRoot.querySelector("iframe"));
    const [outer, beside] = [width(element.parentElement), width(document.querySelector("nav"))];
    // The browser keeps a dialog 38 pixels away from the edges.
    if (Math.abs(frame - outer + beside) > 1 || outer < innerWidth - 40) unfilled[name] = [frame, outer];
  }
  return unfilled;
}"""
