"""The Person that is returned for an Agent."""

from app.lrs.person import person


def test_an_agent_of_whom_nothing_is_known_is_returned_all_the_same() -> None:
    assert person({"mbox": "mailto:ann@example.org", "name": "Ann"}, [], []) == {
        "objectType": "Person",
        "name": ["Ann"],
        "mbox": ["mailto:ann@example.org"],
    }


def test_all_identifiers_and_names_are_gathered_with_those_asked_for_first() -> None:
    account = {"homePage": "https://a.example", "name": "ann b"}
    identifiers = [
        ("mbox", "mailto:ann@example.org"),
        ("mbox", "anna@example.org"),
        ("mbox_sha1sum", "ab" * 20),
        ("openid", "https://ann.example/A"),
        ("account", "https://a.example ann b"),
        ("account", "https://b.example 17"),
        ("phone", "+4912345678"),
    ]
    assert person({"objectType": "Agent", "account": account}, identifiers, ["Ann", "Anna", "Ann"]) == {
        "objectType": "Person",
        "name": ["Ann", "Anna"],
        "mbox": ["mailto:ann@example.org", "mailto:anna@example.org"],
        "mbox_sha1sum": ["ab" * 20],
        "openid": ["https://ann.example/A"],
        "account": [account, {"homePage": "https://b.example", "name": "17"}],
    }


def test_nothing_stands_there_twice() -> None:
    found = person(
        {"mbox": "mailto:Ann@example.org"}, [("mbox", "mailto:ann@example.org"), ("mbox", "ANN@example.org")], []
    )
    assert found["mbox"] == ["mailto:Ann@example.org"]
    openids = person({"openid": "https://a.example/x"}, [("openid", "https://a.example/X")], [])["openid"]
    assert openids == ["https://a.example/x", "https://a.example/X"]


def test_what_is_no_account_is_left_out() -> None:
    assert person({"openid": "https://a.example"}, [("account", "no-home-page")], [""]) == {
        "objectType": "Person",
        "openid": ["https://a.example"],
    }
