"""The products by name: a new one is a file of this folder and a line here."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from railyard.board.annotation.products.annotations import Annotations
from railyard.board.annotation.products.embeddings import Embeddings
from railyard.board.annotation.products.metrics import Metrics
from railyard.board.annotation.products.predictions import Predictions
from railyard.board.annotation.products.product import Product
from railyard.board.annotation.products.student_bins import StudentBins
from railyard.board.annotation.products.value_heads import ValueHeads
from railyard.core.errors import UserError, nearest

PRODUCTS: dict[str, type[Product]] = {
    product.name: product for product in (Annotations, StudentBins, Metrics, Predictions, ValueHeads, Embeddings)
}
DEFAULT = ("annotations", "student_bins", "metrics", "value_heads")

Named = str | dict[str, Any] | Product  # a name, a name with options, or what a _target_ was read as


def product_of(named: Named) -> Product:
    """The product that a config names. UserError for an unknown name or option."""
    if isinstance(named, Product):
        return named
    options = {"name": named} if isinstance(named, str) else dict(named)
    name = options.pop("name", None)
    if name not in PRODUCTS:
        raise UserError(f"there is no product {name!r}{nearest(str(name), PRODUCTS)}; known: {', '.join(PRODUCTS)}")
    try:
        return PRODUCTS[name].model_validate(options)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        raise UserError(f"{name}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def products_of(named: Sequence[Named]) -> tuple[Product, ...]:
    """The products of a list, in the order of their table. UserError where one is named twice, or none at all."""
    found = [product_of(each) for each in named]
    names = [product.name for product in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{twice[0]} stands twice: name each product once")
    if not found:
        raise UserError(f"name at least one of {', '.join(PRODUCTS)}")
    order = [*PRODUCTS, *names]
    return tuple(sorted(found, key=lambda product: order.index(product.name)))
