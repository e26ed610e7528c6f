import pytest
from reviewed import FOREIGN, PACK, reviewed

from railyard.board.review.problems import MEDIA_TYPE
from railyard.board.review.sessions import of_pool

CELLS = [6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def client():
    with reviewed(of_pool(PACK, [FOREIGN])) as client:
        yield client


def test_a_board_is_analyzed(client):
    answer = client.post("/analyze", json={"board": CELLS, "depth": 2})
    assert answer.status_code == 200
    found = answer.json()
    assert found["legal"] == [False, True, True, True]
    assert found["board_value"] == 2376
    assert found["teacher"]["evs"][0] is None
    assert found["model"] is None


def test_moves_are_played_on(client):
    answer = client.post("/analyze/rollouts", json={"board": CELLS, "moves": [1, 3], "games": 4, "player": "random"})
    assert answer.status_code == 200
    assert [move["move"] for move in answer.json()["moves"]] == [1, 3]
    assert answer.json()["differences"][0]["other"] == 3


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/analyze", {"board": CELLS[:15]}, "board"),
        ("/analyze", {"board": [17, *CELLS[1:]]}, "board.0"),
        ("/analyze", {}, "board is required"),
        ("/analyze/rollouts", {"board": CELLS, "moves": [0, 1]}, "does not have move 0"),
    ],
)
def test_what_cannot_be_analyzed(client, path, body, words):
    answer = client.post(path, json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert words in answer.json()["detail"]


def test_a_model_behind_a_server_that_is_gone():
    with reviewed(of_pool(PACK, [FOREIGN]), address="./nobody.sock") as client:
        assert client.get("/health").json()["models"] == ["./nobody.sock"]
        found = client.post("/analyze", json={"board": CELLS, "depth": 1}).json()
        assert found["model"] is None
        assert "nobody answers" in found["model_reason"]
        asked = client.post("/analyze", json={"board": CELLS, "depth": 1, "model": False}).json()
        assert asked["model_reason"] == "the model was not asked"


def test_it_can_be_left_out():
    with reviewed(of_pool(PACK, [FOREIGN]), analysis=False) as client:
        assert client.post("/analyze", json={"board": CELLS}).status_code in (404, 405)
        assert "/analyze" not in client.get("/openapi.json").json()["paths"]
