from __future__ import annotations

import json

from atisbo.domain.kinds import KINDS
from atisbo.domain.predictions import Failure


def test_words_in_a_failure_are_kept_in_both_languages() -> None:
    failure = Failure(code="foreign", message="{expected}, {count}", values={"expected": KINDS["disc"], "count": 3})
    stored = Failure.model_validate(json.loads(json.dumps(failure.model_dump(mode="json"))))
    for one in (failure, stored):
        assert one.values_in("es") == {"expected": "un recorte del disco óptico", "count": 3}
        assert one.values_in("en") == {"expected": "a crop of the optic disc", "count": 3}
        assert one.status == 422
