"""What the keys of the window do, beside the actions: one table, which the help shows too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

from genie.library.user_paths import safe_name
from genie.media.charts import save_png
from genie.media.recording import check_target, free_path
from genie.play.game.exporter import SECONDS
from genie.play.game.game import Game
from genie.play.game.hand import HandPanel
from genie.play.game.panels import HelpPanel, KeysPanel, Panel, PromptPanel, SavePanel, SlotPanel
from genie.session.replay import last_seconds
from spacetime.partial import plain

_MOST_STEPS = 16
_TEMPERATURE_STEP, _MOST_TEMPERATURE = 0.1, 2.0


@dataclass(frozen=True, kw_only=True)
class Command:
    """One key of the window."""

    caps: str  # what the help shows as the key
    about: str  # what it does, in a few words
    run: Callable[[Game, float], None]  # does it, given the game and the time


def _quit(game: Game, now: float) -> None:
    game.state.quit = True


def _restart(game: Game, now: float) -> None:
    game.player.restart()
    game.moved()


def _next_prompt(game: Game, now: float) -> None:
    game.player.next_prompt()
    game.moved()
    count = len(game.player.prompts)
    game.state.say(f"picture {game.player.prompt_index + 1} of {count}", now)


def _fade_next(game: Game, now: float) -> None:
    player = game.player
    player.prompt_index = (player.prompt_index + 1) % len(player.prompts)
    player.fade_to(player.prompts[player.prompt_index])
    words = "fades in" + (", once time goes on" if game.state.paused else "")
    game.state.say(f"picture {player.prompt_index + 1} of {len(player.prompts)} {words}", now)


def _hand(game: Game, now: float) -> None:
    try:
        game.panel = HandPanel(game.player)
    except ValueError as error:
        game.state.say(str(error), now)


def _pause(game: Game, now: float) -> None:
    game.state.toggle_pause()


def _step_forward(game: Game, now: float) -> None:
    """Undo one step back, or else sample one frame."""
    if not game.state.paused:
        game.state.toggle_pause()
    if game.player.forward():
        game.moved()
    else:
        game.step_once = True


def _step_back(game: Game, now: float) -> None:
    if not game.state.paused:
        game.state.toggle_pause()
    if game.player.back():
        game.moved()


def _rewind(game: Game, now: float) -> None:
    game.state.rewinding = True


def _next_branch(game: Game, now: float) -> None:
    ends = game.player.session.ends()
    at = next((i for i, end in enumerate(ends) if end >= game.player.head), 0)
    chosen = (at + 1) % len(ends)
    game.player.go_to(ends[chosen])
    game.moved()
    game.state.say(f"branch {chosen + 1} of {len(ends)}", now)


def _last_healthy(game: Game, now: float) -> None:
    if game.drift is None:
        game.state.say("this world carries no statistics to measure drift with", now)
        return
    before = game.player.frame_number
    game.player.go_to(game.drift.last_healthy(game.player.session, game.player.head))
    game.moved()
    game.state.say(f"{before - game.player.frame_number} frames back, where all was well", now)


def _save_state(game: Game, now: float) -> None:
    game.panel = SlotPanel(game.slots.all(), saving=True)


def _load_state(game: Game, now: float) -> None:
    game.panel = SlotPanel(game.slots.all(), saving=False)


def _record(game: Game, now: float) -> None:
    """Begin a recording, or write what was played since then as a GIF."""
    if game.mark is None:
        try:
            check_target(game.film_path(".gif"))
        except OSError as error:  # rather than once all is played
            game.state.say(str(error), now)
            return
        game.mark = len(game.player.session)
        game.state.say("recording: G stops", now)
        return
    # One that cannot be written yet goes on; one without a frame is over.
    if game.start_export(game.since_mark(), ".gif", now) or not game.recorded_frames:
        game.mark = None


def _save_last_seconds(game: Game, now: float) -> None:
    game.start_export(last_seconds(game.player.session, game.player.head, SECONDS), ".gif", now)


def _save_film(game: Game, now: float) -> None:
    game.panel = SavePanel(marked=game.mark is not None)


def _screenshot(game: Game, now: float) -> None:
    from PIL import Image

    path = free_path(game.options.folder / f"{safe_name(game.card.name)}-frame.png")
    try:
        save_png(Image.fromarray(game.player.frame), path)
        game.state.say(f"saved {path}", now)
    except OSError as error:
        game.state.say(f"could not save: {plain(error)}", now)


def _help(game: Game, now: float) -> None:
    game.panel = HelpPanel()


def _change_keys(game: Game, now: float) -> None:
    names = [action.name for action in game.card.actions]
    game.panel = KeysPanel(game.bindings, names, frozenset(COMMANDS))


def _toggle_hud(game: Game, now: float) -> None:
    game.state.hud = not game.state.hud


def _full_screen(game: Game, now: float) -> None:
    game.state.fullscreen = not game.state.fullscreen


def _pace(faster: bool) -> Callable[[Game, float], None]:
    return lambda game, now: game.state.change_pace(faster, now)


def _steps(change: int) -> Callable[[Game, float], None]:
    def run(game: Game, now: float) -> None:
        chooser = game.adaptive_steps
        # From the steps that are seen: counted from those wanted, a press would change nothing.
        steps = min(max(chooser.steps + change, 1), _MOST_STEPS)
        words = f"{steps} refinement {'step' if steps == 1 else 'steps'}"
        words += {1: ", the fewest", _MOST_STEPS: ", the most"}.get(steps, "")
        words += ", auto is off: \\ turns it on" if chooser.active else ""
        chooser.fix(steps)
        game.player.set_steps(steps)
        game.state.say(words, now)

    return run


def _automatic_steps(game: Game, now: float) -> None:
    game.adaptive_steps.follow_speed()
    game.player.set_steps(game.adaptive_steps.steps)
    words = f"auto: up to {game.adaptive_steps.wanted} refinement steps, fewer where play is slow"
    game.state.say(words, now)


def _temperature(change: float) -> Callable[[Game, float], None]:
    def run(game: Game, now: float) -> None:
        wanted = round(game.player.world.settings.temperature + change, 1)
        game.player.set_temperature(min(max(wanted, 0.0), _MOST_TEMPERATURE))
        game.state.say(f"temperature {game.player.world.settings.temperature:g}", now)

    return run


COMMANDS: dict[str, Command] = {
    "p": Command(caps="P", about="pause", run=_pause),
    ".": Command(caps=".", about="one frame on", run=_step_forward),
    ",": Command(caps=",", about="one frame back", run=_step_back),
    "backspace": Command(caps="Backspace", about="hold to rewind", run=_rewind),
    "b": Command(caps="B", about="next branch", run=_next_branch),
    "h": Command(caps="H", about="last healthy frame", run=_last_healthy),
    "r": Command(caps="R", about="start again", run=_restart),
    "n": Command(caps="N", about="next picture", run=_next_prompt),
    "c": Command(caps="C", about="next picture fades in", run=_fade_next),
    "e": Command(caps="E", about="edit: pick and place", run=_hand),
    "f5": Command(caps="F5", about="save", run=_save_state),
    "f9": Command(caps="F9", about="load", run=_load_state),
    "l": Command(caps="L", about="film of the last 10 s", run=_save_last_seconds),
    "g": Command(caps="G", about="record, stop", run=_record),
    "k": Command(caps="K", about="film as ...", run=_save_film),
    "f12": Command(caps="F12", about="screenshot", run=_screenshot),
    "=": Command(caps="+", about="faster", run=_pace(True)),
    "-": Command(caps="-", about="slower", run=_pace(False)),
    "]": Command(caps="]", about="more steps", run=_steps(1)),
    "[": Command(caps="[", about="fewer steps", run=_steps(-1)),
    "\\": Command(caps="\\", about="steps by speed", run=_automatic_steps),
    "page up": Command(caps="PgUp", about="warmer", run=_temperature(_TEMPERATURE_STEP)),
    "page down": Command(caps="PgDn", about="cooler", run=_temperature(-_TEMPERATURE_STEP)),
    "tab": Command(caps="Tab", about="hide figures", run=_toggle_hud),
    "f11": Command(caps="F11", about="full screen", run=_full_screen),
    "f1": Command(caps="F1", about="this help", run=_help),
    "f2": Command(caps="F2", about="change keys", run=_change_keys),
    "escape": Command(caps="Esc", about="leave", run=_quit),
}


@singledispatch
def confirm(panel: Panel, game: Game, now: float) -> None:
    """Do what a panel shows, now that it was confirmed."""


@confirm.register(SlotPanel)
def _confirm_slot(panel: SlotPanel, game: Game, now: float) -> None:
    number, player = panel.selected + 1, game.player
    try:
        if panel.saving:
            game.slots.save(number, player.session, player.head, player.frame)
            game.state.say(f"saved to slot {number}", now)
            return
        saved = game.slots.load(number)
        if panel.fade:
            player.fade_to(saved.ids([len(saved) - 1])[0])
            return
        before = player.session
        game.load(saved)
        own = "" if player.session is before else " in a session of its own, as its seed is another"
        game.state.say(f"loaded slot {number}{own}", now)
    except (ValueError, OSError) as error:
        game.state.say(plain(error), now)


@confirm.register(HandPanel)
def _confirm_hand(panel: HandPanel, game: Game, now: float) -> None:
    game.moved()


@confirm.register(SavePanel)
def _confirm_film(panel: SavePanel, game: Game, now: float) -> None:
    session, head = game.player.session, game.player.head
    spans = (
        lambda: last_seconds(session, head, SECONDS),
        lambda: session.line(head),
        game.since_mark,
    )
    game.start_export(spans[panel.span](), panel.suffix, now, show_keys=bool(panel.keys))


@confirm.register(KeysPanel)
def _confirm_keys(panel: KeysPanel, game: Game, now: float) -> None:
    try:
        game.state.say(f"keys saved in {game.bindings.save()}", now)
    except OSError as error:
        game.state.say(f"could not save the keys: {plain(error)}", now)


@confirm.register(PromptPanel)
def _confirm_prompt(panel: PromptPanel, game: Game, now: float) -> None:
    game.player.prompts.append(panel.hint.picture)
    if panel.fade:
        game.player.prompt_index = len(game.player.prompts) - 1
        game.player.fade_to(panel.hint.picture)
        return
    game.player.start_from(len(game.player.prompts) - 1)
    game.moved()
