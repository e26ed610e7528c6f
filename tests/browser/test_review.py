"""A session is reviewed in a browser: runs, steps, keys, links, and a server that is slow or gone."""

import re

import pytest
from browsing import Server
from playwright.sync_api import expect

STEPS = 400


def step_of(page) -> int:
    """The step that is shown, as the page says it."""
    text = page.locator("output").inner_text()
    return int(re.match(r"step ([\d,]+)", text)[1].replace(",", ""))


def shows(page, step: int) -> None:
    """The step, and its board and moves."""
    expect(page.locator("output")).to_contain_text(f"step {step:,},")
    expect(page.get_by_role("table", name="What teacher and model say of the four moves")).to_be_visible()


def open_run(page, session, **search) -> None:
    words = "&".join(f"{name}={value}" for name, value in search.items())
    page.goto(f"/view/review/{session}?{words}")
    page.locator("output").wait_for()


def test_from_the_list_of_sessions_to_a_step(opened, named):
    page = opened()
    page.goto("/")
    page.get_by_role("link", name=re.compile("^first")).click()
    page.locator("output").wait_for()
    expect(page.get_by_role("heading", level=1)).to_have_text("games")
    page.get_by_role("link", name=re.compile("run 2")).click()
    expect(page.get_by_text("Run 2", exact=True)).to_be_visible()
    shows(page, 0)
    page.get_by_role("button", name="Next step").click()
    shows(page, 1)
    expect(page).to_have_url(re.compile(r"run=2.*step=1"))


def test_every_key_works_and_none_while_one_types(opened, named):
    page = opened()
    open_run(page, named.one, run=1)
    for key, step in (("l", 1), ("ArrowRight", 2), ("h", 1), ("ArrowLeft", 0), ("End", STEPS - 1), ("Home", 0)):
        page.keyboard.press(key)
        shows(page, step)
    page.get_by_role("slider", name="Step").focus()
    page.keyboard.press("ArrowRight")
    shows(page, 1)
    page.keyboard.press("l")
    shows(page, 2)
    page.keyboard.press("]")
    there = step_of(page)
    assert there > 2
    expect(page.get_by_text("action disagreement,")).to_be_visible()
    page.keyboard.press("]")
    page.keyboard.press("[")
    shows(page, there)
    page.get_by_role("searchbox").focus()
    page.keyboard.type("hl]m")
    shows(page, there)
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Next disagreement")
    page.keyboard.press("l")
    shows(page, there)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("t")
    expect(page.get_by_role("checkbox", name="Tokenizer preview")).to_be_checked()
    page.keyboard.press("c")
    expect(page.get_by_label("Model", exact=True)).not_to_have_value(named.one)
    shows(page, there)


def test_the_keyboard_alone_leads_from_the_list_to_a_mistake(opened, named):
    page = opened()
    page.goto("/")
    page.get_by_role("link", name=re.compile("^first")).wait_for()
    focused = page.locator(":focus")
    for _ in range(20):
        page.keyboard.press("Tab")
        assert focused.evaluate("one => getComputedStyle(one).outlineStyle") != "none"
        if focused.inner_text().startswith("first"):
            break
    page.keyboard.press("Enter")
    shows(page, 0)
    run = page.url
    page.keyboard.press("j")
    expect(page).not_to_have_url(run)
    shows(page, 0)
    page.keyboard.press("m")
    expect(page.get_by_text("action disagreement,")).to_be_visible()
    assert step_of(page) > 0


def test_a_link_restores_what_was_seen_and_back_goes_back(opened, named):
    page = opened()
    open_run(page, named.one, run=1, step=150, tokens="true", bins="true", graph="entropy", runs_sort="run_id")
    shows(page, 150)
    expect(page.get_by_role("rowheader", name="Teacher's class")).to_be_visible()
    expect(page.get_by_label("Graph", exact=True)).to_have_value("entropy")
    expect(page.get_by_role("rowheader", name="WINNER")).to_be_visible()
    page.get_by_role("link", name=re.compile("run 2")).click()
    expect(page.get_by_text("Run 2", exact=True)).to_be_visible()
    shows(page, 0)
    page.go_back()
    expect(page.get_by_text("Run 1", exact=True)).to_be_visible()
    shows(page, 150)


def test_the_timeline_is_scrubbed(opened, named):
    page = opened()
    open_run(page, named.one, run=0)
    box = page.locator("canvas").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.click(box["x"] + box["width"] / 2, middle)
    shows(page, STEPS // 2)
    page.mouse.move(box["x"] + 5, middle)
    page.mouse.down()
    for share in range(1, 10):
        page.mouse.move(box["x"] + box["width"] * share / 10, middle)
    page.mouse.up()
    shows(page, 9 * STEPS // 10)


def test_a_count_goes_through_all_its_moves(opened, named):
    page = opened()
    open_run(page, named.one, run=1)
    counts = page.get_by_role("button", name=re.compile(r"mistake of the model's moves"))
    count = int(re.match(r"\d+", counts.get_attribute("aria-label"))[0])
    assert count > 2
    seen = []
    for _ in range(count):
        counts.click()
        seen.append(step_of(page))
    assert len(set(seen)) == count
    counts.click()
    shows(page, seen[0])


def test_runs_are_sorted_and_filtered_by_the_server(opened, named):
    page = opened(harmless=("400",))
    open_run(page, named.one)
    names = page.get_by_role("complementary", name="Runs").get_by_role("link")
    expect(names).to_have_count(3)
    page.get_by_label("Sort by").select_option("run_id")
    expect(names.first).to_contain_text("run 2")
    page.get_by_role("button", name=re.compile("^Largest first")).click()
    expect(names.first).to_contain_text("run 0")
    page.get_by_role("searchbox").fill("run_id>=1")
    page.keyboard.press("Enter")
    expect(names).to_have_count(2)
    page.get_by_role("searchbox").fill("run_idd>=1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("did you mean")


def test_self_play_has_no_teacher_and_says_so(opened, named):
    page = opened()
    open_run(page, named.selfplay, step=20, tokens="true")
    shows(page, 20)
    expect(page.get_by_text("EV disagreement: not available")).to_be_visible()
    expect(page.get_by_text("Accuracy: not available")).to_be_visible()
    expect(page.get_by_text("no tokenizer loaded")).to_be_visible()
    expect(page.get_by_text("model only")).to_be_visible()


def test_steps_without_an_annotation_keep_the_teacher(opened, named):
    page = opened()
    open_run(page, named.begun, run=1, step=98)
    shows(page, 98)
    page.keyboard.press("l")
    expect(page.get_by_role("rowheader", name="Probability")).to_be_visible()
    page.keyboard.press("l")
    shows(page, 100)
    expect(page.get_by_text("teacher only: this step has no annotation")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Probability")).to_have_count(0)
    expect(page.get_by_role("rowheader", name="Advantage")).to_be_visible()


def test_a_slow_server_never_shows_another_runs_step(opened, named):
    page = opened()
    open_run(page, named.one, run=0, step=5)
    shows(page, 5)
    held = []
    page.route(re.compile(r"/runs/2/steps"), lambda route: held.append(route))
    page.get_by_role("link", name=re.compile("run 2")).click()
    expect(page.get_by_text("Loading the step")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)
    expect(page.get_by_role("img", name=re.compile("^Board"))).to_have_count(0)
    for route in held:
        route.continue_()
    shows(page, 0)


def test_a_lost_server_shows_and_recovers(opened, named, root, tmp_path):
    server = Server([f"root={root}"], tmp_path)
    server.start()
    try:
        page = opened(address=server.address, harmless=("ERR_CONNECTION", "Failed to load resource"))
        open_run(page, named.one, run=0)
        server.kill()
        page.get_by_role("link", name=re.compile("run 1")).click()
        expect(page.get_by_role("alert").first).to_contain_text("does not answer")
        server.start()
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.get_by_text("Run 1", exact=True)).to_be_visible()
        shows(page, 0)
    finally:
        server.kill()


def test_a_server_with_a_token_asks_for_it_once(opened, named, root, tmp_path):
    (tmp_path / "token").write_text("secret\n")
    server = Server([f"root={root}", f"token_file={tmp_path / 'token'}"], tmp_path)
    server.start()
    try:
        page = opened(address=server.address, harmless=("401",))
        page.goto(f"/view/review/{named.one}?run=1&step=7")
        page.get_by_label("This server wants its token").fill("wrong")
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_text("this is not the token of this server")).to_be_visible()
        page.get_by_label("This server wants its token").fill("secret")
        page.get_by_role("button", name="Enter").click()
        shows(page, 7)
        page.reload()
        shows(page, 7)
    finally:
        server.kill()


@pytest.mark.parametrize("size", ["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, named, violations, overflow, size, scheme):
    page = opened(size, scheme)
    review = "/view/review/{}?step=7&{}"
    insights = page.get_by_role("table", name="What teacher and model say of the four moves")
    for path, shown in (
        ("/", page.get_by_role("link", name=re.compile("^first"))),
        (review.format(named.one, "run=1&tokens=true&bins=true&sidebar=open"), insights),
        (review.format(named.selfplay, "sidebar=closed"), insights),
        (review.format(named.begun, "run=2&sidebar=closed"), insights),
        ("/view/none", page.get_by_role("heading", name="There is no such page")),
    ):
        page.goto(path)
        shown.wait_for()
        assert violations(page) == []
        assert overflow(page) <= 0
    page.keyboard.press("?")
    assert violations(page) == []
