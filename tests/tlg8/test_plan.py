def test_the_plan_counts_from_headers(railyard, train_words):
    words = [word for word in train_words if word != "json=true"]
    done = railyard(*words, "validate_config=true", "model.hidden=[]", "data.features.pixels=false")
    assert done.code == 0, done.err
    text = done.out + done.err
    assert "144 blocks of 3 images, split by block" in text
    assert "16 inputs, cheap" in text
    assert f"{32 * 17} parameters" in text
    assert "mode       ranking, gate: none" in text


def test_the_plan_says_what_is_leaky_and_what_the_gate_is(railyard, train_words):
    words = [word for word in train_words if word != "json=true" and not word.startswith("data.features")]
    leaky = ("data.features.columns=[score_bits_plain_none_min_by_predictor]", "data.features.allow_answer=true")
    done = railyard(*words, "validate_config=true", "objective=tlg8_strict", *leaky)
    assert done.code == 0, done.err
    text = done.out + done.err
    assert "the result is marked leaky" in text
    assert "strict, gate: hit@32 of 95 %" in text
