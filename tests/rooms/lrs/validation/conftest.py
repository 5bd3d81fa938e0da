"""A full valid statement to take apart, and small tools for doing so."""

import copy
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.rooms.lrs.validation.changes")

FULL: dict[str, Any] = {
    "id": "8a7abb66-c516-461b-8da7-d63c31d40ca3",
    "actor": {
        "objectType": "Agent",
        "name": "Ann Example",
        "account": {"homePage": "https://learning.example.com", "name": "learner-17"},
    },
    "verb": {
        "id": "http://adlnet.gov/expapi/verbs/answered",
        "display": {"en-US": "answered", "de": "beantwortete"},
    },
    "object": {
        "objectType": "Activity",
        "id": "https://learning.example.com/lessons/7/cards/3",
        "definition": {
            "name": {"en-US": "Which habit will you keep?"},
            "description": {"en-US": "Pick what you can start tomorrow."},
            "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
            "moreInfo": "https://learning.example.com/about",
            "interactionType": "choice",
            "correctResponsesPattern": ["a[,]b"],
            "choices": [{"id": "a", "description": {"en": "No phone at meals"}}, {"id": "b"}],
            "extensions": {"https://learning.example.com/ext/card": None},
        },
    },
    "result": {
        "score": {"scaled": 0.5, "raw": 1, "min": 0, "max": 2},
        "success": True,
        "completion": False,
        "response": "a",
        "duration": "PT12.4S",
        "extensions": {"https://learning.example.com/ext/tries": {"of": [1, None]}},
    },
    "context": {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "instructor": {"mbox": "mailto:bob@example.com"},
        "team": {
            "objectType": "Group",
            "name": "Blue",
            "member": [{"openid": "https://cy.example.com/"}],
        },
        "contextActivities": {
            "parent": [{"id": "https://learning.example.com/lessons/7"}],
            "grouping": {"id": "urn:uuid:7d4f3c70-1e79-4243-9b7d-166076ce8bfb"},
            "category": [],
            "other": [{"objectType": "Activity", "id": "tag:example.com,2024:spring"}],
        },
        "revision": "2",
        "platform": "Example Learning",
        "language": "en-US",
        "statement": {"objectType": "StatementRef", "id": "8f87ccde-bb56-4c2e-ab83-44982ef22df0"},
        "extensions": {},
    },
    "timestamp": "2024-05-18T05:32:34.804Z",
    "stored": "2024-05-18T05:32:35.1+02:00",
    "authority": {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"},
    "version": "1.0.3",
    "attachments": [
        {
            "usageType": "https://learning.example.com/usage/certificate",
            "display": {"en-US": "Certificate"},
            "description": {},
            "contentType": 'text/plain; charset=ascii; note="a \\"b\\""',
            "length": 27,
            "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
            "fileUrl": "https://learning.example.com/certificates/17",
        }
    ],
}


@pytest.fixture
def full() -> dict[str, Any]:
    """A statement that has every property of 1.0.3 and is valid in both versions."""
    return copy.deepcopy(FULL)
