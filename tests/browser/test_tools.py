"""Steps are searched, models compared, moves guessed and boards tried in a browser."""

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

READY = 90_000  # ms that the server may take to compile its analyses
NOT_READY = ("503", "429")
BOARD = "6531221011000000"


def parameters(page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def shown_hit(page) -> str:
    """Run and step of the hit that is shown."""
    article = page.get_by_role("article")
    expect(article.get_by_role("table").first).to_be_visible()
    return article.get_attribute("aria-label")


def total(page) -> int:
    """The number of hits."""
    return int(
        re.search(r"([\d,]+) steps?$", page.get_by_text(re.compile(r"[\d,]+ steps?$")).inner_text())[1].replace(",", "")
    )


def test_conditions_are_completed_while_they_are_typed(opened, named):
    page = opened()
    page.goto(f"/view/search/{named.one}")
    bar = page.get_by_role("combobox", name="Conditions")
    offered = page.get_by_role("listbox", name="Completions")
    bar.press_sequentially("ent")
    expect(offered.get_by_role("option", name=re.compile("^entropy"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    bar.press_sequentially(">")
    expect(offered.get_by_role("option", name=re.compile("99th percentile"))).to_be_visible()
    bar.press_sequentially("0.5 and valuation=se")
    offered.get_by_role("option", name="search").click()
    expect(bar).to_have_value("entropy>0.5 and valuation=search")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Hits")).to_be_visible()
    assert parameters(page)["where"] == "entropy>0.5 and valuation=search"
    expect(
        page.get_by_text('filter: {name: query, params: {where: "entropy>0.5 and valuation=search"}}')
    ).to_be_visible()


def test_what_cannot_be_asked_is_told(opened, named):
    page = opened(harmless=("400",))
    page.goto(f"/view/search/{named.one}")
    bar = page.get_by_role("combobox", name="Conditions")
    bar.fill("entropy>high")
    expect(page.get_by_text("entropy> compares numbers")).to_be_visible()
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_disabled()
    bar.fill("entropie>1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="did you mean 'entropy'")).to_be_visible()


def test_hits_are_gone_through_across_runs_and_in_review(opened, named):
    page = opened()
    page.goto(f"/view/search/{named.one}?where=step_index=5")
    page.get_by_role("region", name="Hits").wait_for()
    hit = page.get_by_role("article")
    for key, run in zip("nnnnp", (0, 1, 2, 2, 1), strict=True):
        page.keyboard.press(key)
        expect(hit).to_have_attribute("aria-label", f"Run {run}, step 5")
        expect(hit.get_by_role("table")).to_be_visible()
    page.reload()
    expect(hit).to_have_attribute("aria-label", "Run 1, step 5")
    page.get_by_role("link", name="Open in review").click()
    page.get_by_role("slider", name="Step").wait_for()  # both pages say where one stands among the hits
    expect(page.get_by_text("2 of 3 steps")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_text("Run 2", exact=True)).to_be_visible()
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()


def test_hits_are_gone_through_from_the_step_that_is_shown(opened, named):
    """Keys come faster than the address follows the step."""
    page = opened()
    page.goto(f"/view/review/{named.one}?run=1&step=5&where=step_index>=5, step_index<=8")
    expect(page.get_by_text("5 of 12 steps")).to_be_visible()
    place = page.locator("output")
    for keys, step, run in (
        ("lp", 5, 1),  # back to the hit that the address names still
        ("lln", 8, 1),
        ("hhp", 5, 1),
        ("llllln", 5, 2),  # from a step that is no hit
        ("hp", 8, 1),
    ):
        for key in keys:
            page.keyboard.press(key)
        expect(page.get_by_text(f"Run {run}", exact=True)).to_be_visible()
        expect(place).to_contain_text(f"step {step},")
        expect(page).to_have_url(re.compile(rf"run={run}&step={step}&"))


def test_quick_filters_are_conditions_or_say_why_not(opened, named):
    page = opened()
    page.goto(f"/view/search/{named.one}")
    for name, where in (
        ("Low-confidence wins", r"^disagreement=0, model_top_prob<0\.5$"),
        ("Entropy spikes", r"^entropy>=\d"),
        ("Blunders of the model", r"^valuation=search, max_rank>=7, ev_loss>=343$"),
        ("Illegal argmax", "^illegal_argmax=1$"),
    ):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("combobox", name="Conditions")).to_have_value(re.compile(where))
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        page.get_by_role("region", name="Hits").wait_for()
    page.keyboard.press("n")
    assert shown_hit(page)
    expect(page.get_by_role("row").filter(has_text="illegal").first).to_be_visible()
    page.goto(f"/view/search/{named.selfplay}")
    expect(page.get_by_role("button", name="Blunders of the model")).to_be_disabled()


def test_searches_are_kept_and_files_saved(opened, named):
    page = opened()
    page.goto(f"/view/search/{named.one}?where=run_id=1,disagreement=1&sort=entropy")
    page.get_by_role("region", name="Hits").wait_for()
    found = total(page)
    with page.expect_download() as held:
        page.get_by_role("link", name="CSV").click()
    assert len(held.value.path().read_text().splitlines()) == 1 + found
    page.get_by_role("button", name=re.compile("^Saved searches")).click()
    page.get_by_label("Keep this search as").fill("doubts of run 1")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.goto(f"/view/search/{named.one}")
    page.get_by_role("button", name="Saved searches (1)").click()
    page.get_by_role("button", name="doubts of run 1", exact=True).click()
    expect(page.get_by_role("combobox", name="Conditions")).to_have_value("run_id=1,disagreement=1")
    assert parameters(page)["sort"] == "entropy"
    page.get_by_role("button", name="Forget doubts of run 1").click()
    expect(page.get_by_role("button", name="Saved searches (0)")).to_be_visible()


def test_an_order_is_named_however_it_is_written(opened, named):
    page = opened()
    for written in ("entropy", "-entropy", "entropy_desc"):
        page.goto(f"/view/search/{named.one}?sort={written}")
        expect(page.get_by_label("Sort")).to_have_value("entropy")


def test_two_models_are_compared_over_the_pool_and_on_one_run(opened, named):
    page = opened()
    page.goto(f"/view/compare/{named.one}")
    page.get_by_label("against").select_option(named.other)
    groups = page.get_by_role("group", name="Groups of steps")
    expect(groups.get_by_role("button")).to_have_count(4)
    expect(page.get_by_text(re.compile("^KL of the first model's .* nats"))).to_be_visible()
    page.get_by_text("What differs in how they were made").click()
    expect(page.get_by_role("rowheader", name="model_id")).to_be_visible()
    groups.get_by_role("button", name=re.compile("^Both wrong")).click()
    page.get_by_role("region", name="Hits").wait_for()
    over_pool = total(page)
    page.get_by_role("combobox", name="Conditions").fill("run_id=1")
    page.keyboard.press("Enter")
    expect(groups.get_by_text(f"of {over_pool:,} over the pool")).to_be_visible()
    page.get_by_role("region", name="Hits").wait_for()
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("n")
    assert shown_hit(page).startswith("Run 1,")
    expect(page.get_by_role("table", name=re.compile("^The second model: KL of"))).to_be_visible()
    assert parameters(page)["group"] == "wrong"


def test_the_key_that_answers_is_not_the_one_that_goes_on(opened, named):
    page = opened()
    page.goto(f"/view/practice/{named.one}")
    page.get_by_text("Which move?").wait_for()
    board = page.get_by_role("img", name=re.compile("^Board"))
    first = board.get_attribute("aria-label")
    page.keyboard.press(" ")
    expect(page.get_by_text(re.compile("^Board 1 of"))).to_be_visible()
    legal = page.get_by_role("group", name="Answers").locator("button:enabled").first.inner_text()
    page.keyboard.press(f"Arrow{legal}")
    verdict = page.get_by_role("status").filter(has_text="The model chose")
    expect(verdict).to_contain_text(f"{legal}:")
    for name in ("Up", "Down", "Left", "Right"):
        page.keyboard.press(f"Arrow{name}")
    expect(verdict).to_contain_text(f"{legal}:")
    page.reload()
    expect(verdict).to_contain_text(f"{legal}:")
    expect(page.get_by_text(re.compile("answered 1"))).to_be_visible()
    page.keyboard.press(" ")
    expect(page.get_by_text(re.compile("^Board 2 of"))).to_be_visible()
    expect(board).not_to_have_attribute("aria-label", first)
    page.reload()
    expect(page.get_by_text(re.compile("^Board 2 of"))).to_be_visible()


def test_a_game_is_played_undone_and_restored_by_its_link(opened):
    page = opened(harmless=NOT_READY)
    page.goto("/view/board?seed=18446744073709551615&live=off")
    board = page.get_by_role("img", name=re.compile("^Board"))
    seen = [board.get_attribute("aria-label")]
    for key in ("ArrowLeft", "ArrowUp", "ArrowLeft", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
        seen.append(board.get_attribute("aria-label"))
    expect(page.get_by_text("seed 18446744073709551615")).to_be_visible()
    page.keyboard.press("u")
    expect(board).to_have_attribute("aria-label", seen[-2])
    page.reload()
    expect(board).to_have_attribute("aria-label", seen[-2])
    page.get_by_text("Another position").click()
    page.get_by_role("textbox", name=re.compile("^16 numbers")).fill("64 32 8 2\n4 4 2 0\n2 2 0 0\n0 0 0 0")
    page.get_by_role("button", name="Use it").click()
    assert parameters(page)["board"] == BOARD
    page.get_by_role("textbox", name="Row 4, column 4").fill("65536")
    page.get_by_role("button", name="Use these tiles").click()
    assert parameters(page)["board"] == BOARD[:-1] + "g"
    page.go_back()
    assert parameters(page)["board"] == BOARD


def test_a_board_is_analysed_and_moves_played_out(opened):
    page = opened(harmless=NOT_READY)
    busy = iter([True])

    def answer(route):
        if next(busy, False):
            detail = {"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "ask again later"}
            route.fulfill(status=429, json=detail, content_type="application/problem+json")
        else:
            route.continue_()

    page.route("**/analyze", answer)
    page.goto(f"/view/board?board={BOARD}&depth=2")
    expect(page.get_by_text("Waiting: ask again later")).to_be_visible()
    expect(page.get_by_text("Teacher: search at depth 2")).to_be_visible(timeout=READY)
    row = page.get_by_role("row").filter(has_text="Right")
    expect(row).to_contain_text("★ best")
    expect(row).to_contain_text("2.490")
    expect(page.get_by_role("row").filter(has_text="Up")).to_contain_text("illegal")
    expect(page.get_by_text("no model is at hand")).to_be_visible()
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="→ Right ★")).to_be_visible()
    page.get_by_role("combobox", name=re.compile("^over")).select_option("20")
    page.get_by_role("combobox", name=re.compile("^by")).select_option("random moves")
    page.get_by_role("button", name="Play out").click()
    expect(page.get_by_text(re.compile("^Right less Left"))).to_be_visible(timeout=READY)
    page.keyboard.press("t")
    expect(page.get_by_text("move 1 ·")).to_be_visible()
    expect(page.get_by_text(re.compile("^Right less Left"))).to_have_count(0)


@pytest.mark.parametrize("size", ["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, named, violations, overflow, size, scheme):
    page = opened(size, scheme, harmless=NOT_READY)
    for path, ready in (
        (f"search/{named.one}?where=disagreement=1&row=7", "article table"),
        (f"search/{named.selfplay}?where=disagreement=9", "text=No step meets"),
        (f"compare/{named.one}?other={named.other}&row=7", "text=The second model"),
        (f"practice/{named.one}", "text=Which move?"),
        (f"practice/{named.selfplay}", "text=Nobody has valued"),
        (f"board?board={BOARD}&hints=true&depth=1", "text=Teacher: search"),
    ):
        page.goto(f"/view/{path}")
        page.locator(ready).first.wait_for(timeout=READY)
        assert violations(page) == []
        assert overflow(page) <= 0, path
    page.get_by_text("Another position").click()
    assert violations(page) == []
