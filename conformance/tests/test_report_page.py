"""The page in a browser: it is read by keyboard, in light and dark, on a phone, and asks the network for nothing."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reports_of_tests import ALL, VIOLATING
from resultspec_conformance.report import Report
from resultspec_conformance.reports import badge, html
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

Browser = webdriver.Chrome

# By the rules of WCAG 2: the relative luminance of text and of the nearest background behind it.
CONTRASTS = """
const part = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const behind = element => {
  for (let at = element; at; at = at.parentElement) {
    const colour = numbers(getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, .words")) continue;
  const [a, b] = [luminance(numbers(getComputedStyle(element).color)), luminance(behind(element))];
  found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), walker.currentNode.data.trim().slice(0, 40)]);
}
return found;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; its absence fails in continuous integration, where this must not be skipped unseen."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        missing = "the page is tried in Chromium: install it with apt-get install chromium chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for switch in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    ):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Show reports in the browser; afterwards, see that the page complained of nothing and asked for nothing."""
    page = tmp_path / "report.html"

    def show(*reports: Report, scheme: str = "light", width: int = 1280) -> Browser:
        page.write_text(html.render(reports, ["resultspec check it --seed 7"] * len(reports)), encoding="utf-8")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        for log in ("browser", "performance"):
            browser.get_log(log)
        browser.get(page.as_uri())
        return browser

    yield show
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"}

    assert browser.get_log("browser") == []
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}


def row(browser: Browser, rule: str) -> WebElement:
    """The row of a rule of the first subject."""
    return browser.find_element(By.CSS_SELECTOR, f"details:has(> [id='1-{rule}'])")


def press(browser: Browser, *keys: str) -> None:
    """Press keys on whatever has the focus."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def test_a_failure_folds_out_by_keyboard(show: Any) -> None:
    """A failure is open from the start; a warning is reached by the Tab key and opened by Enter, with all that is known."""
    browser = show(VIOLATING)
    warned = row(browser, "shared.equality")
    assert row(browser, "handler.round-trip").get_attribute("open")
    assert not warned.get_attribute("open")

    for _ in range(60):
        press(browser, Keys.TAB)
        if browser.switch_to.active_element == warned.find_element(By.TAG_NAME, "summary"):
            break
    press(browser, Keys.ENTER)

    assert warned.get_attribute("open")
    for part in (
        "Expected",
        "Actual",
        "Check first",
        "This script shows it",
        "resultspec check it --seed 7 --rule shared.equality",
    ):
        assert part in warned.text


def test_rules_are_filtered_by_keyboard_and_without_scripts(show: Any, browser: Browser) -> None:
    """The filter is a choice that the arrow keys move; it hides rules and empty classes though scripts are off."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(VIOLATING)
        browser.find_element(By.ID, "show-all").send_keys(Keys.ARROW_RIGHT)
        broken = {one.text.split()[0] for one in browser.find_elements(By.CSS_SELECTOR, ".rule .id") if one.is_displayed()}
        browser.find_element(By.ID, "show-broken").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        kept = {one.text for one in browser.find_elements(By.CSS_SELECTOR, ".rule .id") if one.is_displayed()}
        buttons = browser.find_elements(By.TAG_NAME, "button")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

    assert broken == {"handler.round-trip", "handler.none", "handler.standard-errors", "shared.equality"}
    assert kept == {"handler.json-reference", "shared.instance"}
    assert buttons == []


def test_a_cell_of_the_matrix_leads_to_its_rule(show: Any) -> None:
    """The matrix says each status in words, and following a cell opens what was found."""
    browser = show(*ALL)
    cell = browser.find_element(By.CSS_SELECTOR, ".matrix a[href='#1-shared.equality']")
    assert cell.accessible_name == "warned"
    cell.send_keys(Keys.ENTER)

    assert row(browser, "shared.equality").get_attribute("open")


def test_code_is_copied_by_a_button(show: Any) -> None:
    """Each script has a button, named by what it copies, that says that it did so."""
    browser = show(VIOLATING)
    button = browser.find_element(By.CSS_SELECTOR, "button[aria-label='Copy the script for handler.round-trip']")
    button.send_keys(Keys.ENTER)
    browser.execute_async_script("setTimeout(arguments[0], 50)")

    assert button.text in ("Copied", "Selected")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(show: Any, scheme: str) -> None:
    """All text has a contrast of at least 4.5, as WCAG asks for, in light and dark alike."""
    browser = show(*ALL, scheme=scheme)
    browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    contrasts = browser.execute_script(CONTRASTS)

    assert len(contrasts) > 100
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_page_fits_its_window(show: Any, width: int) -> None:
    """No window, a phone's included, has to be scrolled sideways."""
    browser = show(*ALL, width=width)

    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_the_badge_fits_its_text(browser: Browser, tmp_path: Path) -> None:
    """The length that the badge gives to its text is the natural one, where the font that it was measured with is there."""
    page = tmp_path / "badge.html"
    page.write_text(f'<!doctype html><meta charset="utf-8">{badge.render([VIOLATING])}', encoding="utf-8")
    browser.get(page.as_uri())
    measured = browser.execute_script(
        "return [...document.querySelectorAll('text')].map(text => {"
        " const given = text.textLength.baseVal.value; text.removeAttribute('textLength');"
        " return [given, text.getComputedTextLength()]; })"
    )

    assert measured
    for given, natural in measured:
        assert natural == pytest.approx(given, rel=0.05)
