"""A page in headless Chromium: what a reader's browser makes of it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WIDTHS = (400, 768, 1200, 1800)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def opened(path: Path, width: int = 1200, scheme: str = "light") -> Iterator:
    """Open a page in Chromium, all its parts unfolded; skip the test where there is none.

    Yields the page of Playwright; the messages of the console are `page.messages`.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: make setup")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        page = context.new_page()
        page.messages = []
        page.on("console", lambda message: page.messages.append(message.text))
        page.on("pageerror", lambda error: page.messages.append(str(error)))
        page.goto(path.resolve().as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        yield page
        browser.close()


def problems(page) -> list[str]:
    """Return what is wrong with an opened page: messages, images that are missing, parts beside
    the screen, and violations of axe-core's accessibility rules."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = list(page.messages)
    found += page.evaluate(
        "[...document.images].filter(image => !image.naturalWidth).map(image => 'no ' + image.alt)"
    )
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    found += [f"{over} pixels beside the screen"] if over > 0 else []
    for rule in axe.run(page).response["violations"]:
        found += [f"{rule['id']}: {node['html'][:200]}" for node in rule["nodes"][:3]]
    return found
