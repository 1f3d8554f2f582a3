from pathlib import Path

import pytest

from genie.library import user_paths as homes


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("GENIE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(homes.sys, "platform", "linux")


def test_settings_and_data_lie_where_the_system_keeps_them(monkeypatch):
    assert homes.config_folder() == Path.home() / ".config" / "genie-worlds"
    assert homes.sessions_folder() == Path.home() / ".local/share/genie-worlds/sessions"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert homes.saves_folder() == Path("/data/genie-worlds/saves")
    monkeypatch.setattr(homes.sys, "platform", "darwin")
    assert homes.user_worlds_folder().parts[-5:-2] == (
        "Library",
        "Application Support",
        "genie-worlds",
    )


def test_one_variable_puts_everything_elsewhere(monkeypatch):
    monkeypatch.setenv("GENIE_HOME", "/elsewhere")
    for folder in (homes.config_folder(), homes.unpacked_folder(), homes.user_worlds_folder()):
        assert folder.is_relative_to("/elsewhere")
