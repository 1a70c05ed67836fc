"""The page in a browser: silent, self-contained, usable, and deaf to hostile rows."""

from __future__ import annotations

import os
import re
import shutil

import pytest

import report_samples as samples
from syngain.report import write

pytestmark = pytest.mark.browser
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PHONE = {"width": 390, "height": 844}
PATIENCE = 300_000  # milliseconds: a busy machine is slow, and that is no failure
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        message = "no Chromium found"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("reports")
    return {
        "audit": write(samples.audit_result(), place / "audit"),
        "instruction": write(samples.instruction_result(), place / "instruction"),
        "compare": write(samples.compare_result(), place / "compare"),
        "hostile": write(samples.hostile_result(), place / "hostile"),
    }


@pytest.fixture
def opened(browser, folders):
    """Opens a report and collects all it says, asks for or pops up; nothing of that may happen."""
    noise, pages = [], []

    def go(name, viewport=DESKTOP, scheme="light"):
        page = browser.new_page(viewport=viewport, color_scheme=scheme)
        page.set_default_timeout(PATIENCE)
        file = (folders[name] / "report.html").as_uri()
        page.on("console", lambda message: noise.append(("console", message.text)))
        page.on("pageerror", lambda error: noise.append(("error", str(error))))
        page.on("dialog", lambda dialog: (noise.append(("dialog", dialog.message)), dialog.dismiss()))
        page.on("request", lambda sent: sent.url in {file, "data:,"} or noise.append(("request", sent.url)))
        page.goto(file)
        pages.append(page)
        return page

    yield go
    for page in pages:
        page.close()
    assert noise == []


def until(page, condition):
    """Polls from outside: the page's own policy forbids the evaluation that ``wait_for_function`` uses."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {condition}")


def open_folds(page):
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")


def hover_first(page, trace):
    page.locator("#map-chart").scroll_into_view_if_needed()
    box = page.locator(f"#map-chart .scatterlayer .trace:nth-child({trace}) path.point").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#map-chart .hoverlayer text")
    return page.locator("#map-chart .hoverlayer").text_content()


@pytest.mark.parametrize("name", ["audit", "instruction", "compare", "hostile"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_opens_silently_and_never_scrolls_sideways(opened, name, viewport):
    page = opened(name, viewport)
    open_folds(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.locator("h1").inner_text()
    drawn = {"audit": 5, "instruction": 1, "compare": 0, "hostile": 3}[name]
    until(page, f"document.querySelectorAll('.js-plotly-plot').length === {drawn}")


def test_hovering_a_point_shows_its_row(opened):
    page = opened("audit")
    text = hover_first(page, 3)
    assert text.startswith("real · ")
    assert "real.jsonl:" in text
    assert "it is" in text


def test_missing_regions_are_ringed_and_told(opened):
    page = opened("audit")
    assert page.locator("#map-chart .scatterlayer .trace:nth-child(4) path.point").count() == 3
    text = hover_first(page, 4)
    assert "real, 0 synthetic (expected" in text
    assert page.locator(".regions > li").count() == 3


def test_a_label_can_be_highlighted(opened):
    page = opened("audit")
    faded = "[...document.querySelectorAll('#map-chart path.point')].filter(p => p.style.opacity < .1).length"
    assert page.evaluate(faded) == 0
    page.select_option("#map-label", label="card_arrival")
    until(page, f"{faded} > 1000")


def test_the_table_sorts_by_click_and_by_keyboard(opened):
    page = opened("audit")
    header = page.locator(".drops th[data-key=score]")
    scores = "[...document.querySelectorAll('#drop-rows td:nth-child(4)')].map(td => Number(td.textContent))"
    assert header.get_attribute("aria-sort") == "none"
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    rising = page.evaluate(scores)
    assert rising == sorted(rising)
    header.locator("button").focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    falling = page.evaluate(scores)
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > rising[-1]
    page.locator(".drops th[data-key=id] button").press("Space")
    assert header.get_attribute("aria-sort") == "none"
    assert page.locator("#drop-rows td").first.inner_text() == "synthetic.jsonl:1"


def test_the_table_filters_finds_and_turns_pages(opened):
    page = opened("audit")
    assert page.locator("#drop-status").inner_text() == "1–25 of 500"  # noqa: RUF001  (an en dash between numbers)
    page.click("#drop-next")
    assert page.locator("#drop-status").inner_text().startswith("26")
    page.select_option("#drop-reason", index=3)
    assert page.locator("#drop-rows tr").count() > 0
    assert set(page.locator("#drop-rows td:nth-child(3)").all_inner_texts()) == {"label_noise, near_duplicate"}
    page.fill("#drop-find", "nowhere to be found")
    assert page.locator("#drop-status").inner_text() == "no rows"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_of_charts_follows_the_color_scheme(opened, scheme):
    page = opened("audit", scheme=scheme)
    open_folds(page)
    until(page, "document.querySelector('#distribution-0 .ytick text') !== null")
    color = "e => getComputedStyle(e).fill"
    tick = page.locator("#distribution-0 .ytick text").first.evaluate(color)
    legend = page.locator("#map-chart .legendtext").first.evaluate(color)
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert tick == legend == ink


def test_tables_have_headers_and_sections_have_links(opened):
    page = opened("audit")
    for table in page.locator("table").all():
        assert table.locator("thead th[scope=col]").count() >= 4
    for link in page.locator("nav ul a").all():
        assert page.locator(link.get_attribute("href")).count() == 1
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == page.evaluate(
        "document.querySelectorAll('[id]').length"
    )


def test_hostile_rows_are_inert_and_shown_as_text(opened):
    page = opened("hostile")
    for trace in (1, 2):
        shown = hover_first(page, trace)
        assert any(text[:12] in shown for text in samples.HOSTILE)
    page.locator(".drops th[data-key=text] button").click()
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img, main script, #map-chart a, main .card b a").count() == 0
    cells = page.locator("#drop-rows td:last-child").all_text_contents()
    for text in (samples.HOSTILE[0], samples.HOSTILE[1], samples.HOSTILE[2], samples.HOSTILE[3], samples.HOSTILE[4]):
        assert text in cells
    assert "{{ 7*7 }}" in page.locator("h1").inner_text()


def test_hover_text_shows_markup_as_it_is_written(opened):
    page = opened("hostile")
    page.evaluate("Plotly.Fx.hover('map-chart', [{curveNumber: 0, pointNumber: 2}])")
    shown = page.locator("#map-chart .hoverlayer").text_content()
    assert "<b>bold</b><a" in shown
    assert "&lt;i&gt;" in shown
    assert "%{x}" in shown


def test_the_largest_page_is_within_its_size(browser, tmp_path):
    result = samples.largest_result()
    file = write(result, tmp_path / "run") / "report.html"
    assert file.stat().st_size <= 1_600_000
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(file.as_uri())
    assert page.locator("#map-chart path.point").count() >= 2_000 - 3
    assert page.locator("#drop .note").inner_text().startswith("First 1,000 of 2,500 rows")
    page.close()


def test_charts_stay_in_their_frame_when_the_window_changes(opened):
    page = opened("audit")
    open_folds(page)
    until(page, "document.querySelector('#curve-0 .main-svg') !== null")
    page.set_viewport_size(PHONE)
    inside = "e => e.querySelector('.main-svg').getBoundingClientRect()"
    frame = "e => e.getBoundingClientRect()"
    until(page, "document.querySelector('#curve-0 .main-svg').clientWidth < 390")
    for chart in page.locator(".chart").all():
        svg, box = chart.evaluate(inside), chart.evaluate(frame)
        assert svg["width"] <= box["width"] + 1
        assert svg["height"] <= box["height"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_it_prints(opened):
    page = opened("audit")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pdf = page.pdf(format="A4")
    assert len(pdf) > 10_000
    assert len(re.findall(rb"/Type\s*/Page[^s]", pdf)) <= 2


def test_the_first_screen_holds_verdict_gain_findings_and_next_command(browser, tmp_path):
    """Everything that decides is visible at 1280 by 900 without scrolling."""
    file = write(samples.decided_result(), tmp_path / "run") / "report.html"
    page = browser.new_page(viewport=DESKTOP)
    page.goto(file.as_uri())
    for selector in (".badge", "h1", ".gains svg >> nth=0", ".gains svg >> nth=1", ".top li >> nth=2", ".facts code"):
        box = page.locator(selector).bounding_box()
        assert box is not None, selector
        assert box["y"] + box["height"] <= DESKTOP["height"], selector
    assert page.locator(".fold:not([open])").count() >= 4
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["audit", "instruction", "compare"])
def test_it_meets_wcag_aa(opened, name, scheme):
    """Levels A and AA by axe-core, with every section open."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(name, scheme=scheme)
    open_folds(page)
    page.wait_for_timeout(300)
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).response
    assert len(found["passes"]) > 10
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == []


def test_a_link_to_a_folded_measure_opens_it_and_tab_reaches_it(opened):
    page = opened("audit")
    link = page.locator(".carried a").first
    link.focus()
    page.keyboard.press("Enter")
    target = link.get_attribute("href")
    until(page, f"document.querySelector('#measures > .fold').open && document.getElementById('{target[1:]}') !== null")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")
