"""A real browser for the pages: the system's Chromium, driven by Playwright. Without it these tests are skipped."""

import shutil

import page_run
import pytest


@pytest.fixture(scope="session")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as kit:
        browser = kit.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Seen:
    """What a page did besides drawing itself."""

    def __init__(self):
        self.requests, self.messages, self.dialogs = [], [], []

    def watch(self, tab):
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("console", lambda message: self.messages.append(message.text))
        tab.on("pageerror", lambda error: self.messages.append(str(error)))
        tab.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))


@pytest.fixture
def opened(chromium):
    """Open a page and wait until all is drawn; returns the tab and what it did."""
    contexts = []

    def open_page(address, **options):
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        tab, seen = context.new_page(), Seen()
        seen.watch(tab)
        tab.goto(address)
        tab.wait_for_selector("html[data-ready]", timeout=20_000)
        return tab, seen

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def thirty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("thirty")
    page_run.audited(folder)
    return page_run.written(page_run.synthetic(folder), folder)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return page_run.written(page_run.synthetic(folder, 4, hostile=True), folder)
