"""The action models that other kinds are built on, by their configurations."""

from lam.camera_flow.config import CameraFlowConfig
from lam.camera_flow.model import CameraFlowModel
from lam.camera_steps.config import CameraStepsConfig
from lam.camera_steps.model import CameraStepsModel
from lam.config import LatentActionConfig
from lam.model import LatentActionModel
from lam.moving_player.config import MovingPlayerConfig, ScrollingPlayerConfig
from lam.moving_player.model import MovingPlayerModel
from lam.moving_player.scrolling import ScrollingPlayerModel
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.model import SpriteActionModel

_MODELS = {
    LatentActionConfig: LatentActionModel,
    SpriteActionConfig: SpriteActionModel,
    MovingPlayerConfig: MovingPlayerModel,
    ScrollingPlayerConfig: ScrollingPlayerModel,
    CameraStepsConfig: CameraStepsModel,
    CameraFlowConfig: CameraFlowModel,
}


def new_base(config: LatentActionConfig) -> LatentActionModel:
    """Build the model of a configuration with new weights."""
    return _MODELS[type(config)](config)
