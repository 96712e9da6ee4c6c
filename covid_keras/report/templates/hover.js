// Shows the image of a point of a chart, at the mouse or by the arrow keys.
for (const group of document.querySelectorAll(".spots")) {
  const peek = group.closest("figure").querySelector(".peek");
  const [box, text] = peek.children, picture = box.firstElementChild;
  const side = Number(peek.dataset.side), across = Number(peek.dataset.across);
  const scale = 144 / side;
  const show = ({ target }) => {
    if (target.dataset.tile === undefined) return;
    const tile = Number(target.dataset.tile);
    const x = -144 * (tile % across), y = -144 * Math.floor(tile / across);
    picture.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    text.textContent = target.getAttribute("aria-label");
    peek.style.left = target.cx.baseVal.value < 200 ? "auto" : "3.2rem";
    peek.style.right = target.cx.baseVal.value < 200 ? "1rem" : "auto";
    peek.hidden = false;
  };
  const hide = () => { peek.hidden = true; };
  group.addEventListener("pointerover", show);
  group.addEventListener("focusin", show);
  group.addEventListener("pointerout", hide);
  group.addEventListener("focusout", hide);
  group.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const spots = [...group.children], next = spots[spots.indexOf(event.target) + (step ?? 0)];
    if (!step || !next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
