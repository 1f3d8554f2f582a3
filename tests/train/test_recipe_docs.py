"""docs/recipes.md lists what the dataclasses take, and every value of a recipe that ships."""

from pathlib import Path

import pytest
import yaml

from train import recipe_docs
from train.recipe import FOLDER

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"


def test_the_page_lists_what_the_dataclasses_take():
    assert PAGE.read_text(encoding="utf-8") == recipe_docs.page(), (
        "docs/recipes.md is not up to date: python -m train.recipe_docs > docs/recipes.md"
    )


@pytest.mark.parametrize("config", recipe_docs.SECTIONS.values())
def test_every_value_is_explained_in_one_cell(config):
    for name, _, meaning in recipe_docs.rows(config):
        assert meaning and "|" not in meaning, name


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_page_names_every_value_of_a_recipe_that_ships(path):
    recipe, page = yaml.safe_load(path.read_text(encoding="utf-8")), recipe_docs.page()
    given = {name: None for name in recipe["settings"]}
    for stage in ("tokenizer", "lam", "dynamics"):
        for part in ("fit", "model", "method"):
            given |= recipe[stage].get(part, {})
    for name in given:
        assert f"\n| {name} | " in page, name
