# SPDX-License-Identifier: Apache-2.0
"""Reading JSON that somebody else wrote. Pure."""

from __future__ import annotations

import json
from typing import Any, Union


def decode_json(text: Union[str, bytes]) -> Any:
    """Return what ``text`` holds; raises :class:`ValueError` for all that cannot be read, however deeply nested."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
