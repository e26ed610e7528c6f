import pytest

from railyard.board.annotation.products.registry import PRODUCTS, products_of
from railyard.board.annotation.products.student_bins import StudentBins
from railyard.core.errors import UserError


def test_names_options_and_classes_in_the_order_of_the_table():
    found = products_of(["metrics", {"name": "embeddings", "dtype": "f16"}, StudentBins(dtype="f16"), "annotations"])
    assert [product.name for product in found] == ["annotations", "student_bins", "metrics", "embeddings"]
    assert [product.said().get("dtype") for product in found] == [None, "f16", None, "f16"]


@pytest.mark.parametrize("name", PRODUCTS)
def test_each_product_has_its_name(name):
    assert products_of([name])[0].said()["name"] == name


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (["metric"], "there is no product 'metric'; did you mean 'metrics'"),
        ([{"dtype": "f16"}], "there is no product None"),
        ([{"name": "student_bins", "dtype": "f8"}], "student_bins.dtype: Input should be 'f32' or 'f16'"),
        (["metrics", "metrics"], "metrics stands twice"),
        ([], "name at least one of annotations"),
    ],
)
def test_mistakes(named, message):
    with pytest.raises(UserError, match=message):
        products_of(named)
