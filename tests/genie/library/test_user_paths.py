from pathlib import Path

import pytest

from genie.library import user_paths


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("GENIE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(user_paths.sys, "platform", "linux")


def test_settings_and_data_lie_where_the_system_keeps_them(monkeypatch):
    assert user_paths.config_folder() == Path.home() / ".config" / "genie-worlds"
    assert user_paths.cache_folder() == Path.home() / ".cache" / "genie-worlds"
    assert user_paths.sessions_folder() == Path.home() / ".local/share/genie-worlds/sessions"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert user_paths.saves_folder() == Path("/data/genie-worlds/saves")
    monkeypatch.setattr(user_paths.sys, "platform", "darwin")
    assert user_paths.user_worlds_folder().parts[-5:-2] == (
        "Library",
        "Application Support",
        "genie-worlds",
    )


def test_a_worlds_name_is_safe_in_a_file_name():
    assert user_paths.safe_name("../My world-2") == "___My_world-2"


def test_one_variable_puts_everything_elsewhere(monkeypatch):
    monkeypatch.setenv("GENIE_HOME", "/elsewhere")
    for folder in (
        user_paths.config_folder(),
        user_paths.cache_folder(),
        user_paths.unpacked_folder(),
        user_paths.user_worlds_folder(),
    ):
        assert folder.is_relative_to("/elsewhere")
