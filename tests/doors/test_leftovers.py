"""What is no longer used is given back: a test run makes thousands of applications."""

import gc
import weakref

from app.main import create_app
from tests.conftest import Doors


def test_an_application_that_nobody_uses_is_given_back(doors: Doors) -> None:
    application = create_app()
    known = weakref.ref(application)
    del application
    gc.collect()
    assert known() is None
