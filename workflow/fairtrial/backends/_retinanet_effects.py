"""When each setting of RetinaNet acts."""

from __future__ import annotations

from fairtrial.backends._retinanet_settings import Settings
from fairtrial.training.effects import FALLING_RATE, common

EFFECTS = (*common(Settings), *FALLING_RATE)
