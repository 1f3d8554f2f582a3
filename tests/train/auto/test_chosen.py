"""What a choice means for a recipe, and what run.json keeps of it."""

import json
from dataclasses import replace

from genie.registry import find_kind
from train.auto import chosen
from train.auto.choice import AUTO
from train.auto.chosen import Choice, recorded_choice, resolve
from train.recipe import load_recipe

CHOICE = Choice(
    kind="whole_frame",
    model={"num_actions": 3},
    tokenizer_model={"local": True, "dim": 16},
    saw=("the picture stands still",),
    figures={},
)


def test_a_choice_fills_in_what_the_recipe_leaves_open():
    recipe = load_recipe(AUTO)
    made = resolve(recipe, CHOICE)
    assert made.lam.kind == "whole_frame" and made.lam.model["num_actions"] == 3
    # The recipe has a width of its own.
    assert made.tokenizer.model == {"local": True, **recipe.tokenizer.model}


def test_a_tokenizer_of_another_kind_gets_no_values_of_ours(monkeypatch):
    recipe = load_recipe(AUTO)
    other = replace(recipe, tokenizer=replace(recipe.tokenizer, kind="theirs"))
    theirs = replace(find_kind("tokenizer"), name="theirs", model=object)
    monkeypatch.setattr(chosen, "find_kind", lambda role, name=None: theirs)
    assert resolve(other, CHOICE).tokenizer.model == recipe.tokenizer.model


def test_a_run_goes_on_with_what_was_chosen_also_by_an_earlier_version(tmp_path):
    record = CHOICE.record()
    for missing in ((), ("tokenizer_model", "lam", "dynamics")):
        kept = {name: value for name, value in record.items() if name not in missing}
        (tmp_path / "run.json").write_text(json.dumps({"auto": kept}))
        found = recorded_choice(tmp_path)
        assert found.kind == CHOICE.kind
        assert found.tokenizer_model == ({} if missing else CHOICE.tokenizer_model)
