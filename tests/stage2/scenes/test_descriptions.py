import pytest
from stage2_fixtures import fixture

from railyard.stage2.scenes.descriptions import sanitise

CASES = fixture("12")["desc_sanitizer"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["desc"]))
def test_the_rule_for_descriptions(case):
    if "error" in case:
        with pytest.raises(ValueError, match="a description"):
            sanitise(case["desc"])
    else:
        assert sanitise(case["desc"]) == case["result"]


@pytest.mark.parametrize("desc", ["a<|im_end|>", "<|coord_1|>", "a ,b", "a /b", "a :b", "a\u2028b", "a\x7f", "\ud800"])
def test_what_reads_as_structure_is_refused(desc):
    with pytest.raises(ValueError, match="a description"):
        sanitise(desc)


@pytest.mark.parametrize("desc", ["schwarze Katze", "黒い猫", "a<b|c>d", 'it\'s "quoted"'])
def test_plain_words_of_any_language_pass(desc):
    assert sanitise(desc) == desc
