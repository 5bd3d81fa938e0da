"""Reading statements: every shape of file, and every way in which one can be broken."""

import gzip
import json
from pathlib import Path

import pytest

from app.cli import statement_files
from app.cli.sending import CannotRun
from app.cli.statement_files import Refused, Statement, content_id, open_statements

ONE, TWO = {"id": "a", "x": 1.0}, {"id": "b", "text": 'zwölf ]}, \\" 😊'}


def read(tmp_path: Path, content: bytes) -> list[Statement | Refused]:
    """What a file with this content holds."""
    path = tmp_path / "a file without a telling name"
    path.write_bytes(content)
    with open_statements(str(path)) as statements:
        return list(statements)


def values(found: list[Statement | Refused]) -> list[object]:
    """The statements as they would be sent."""
    assert all(isinstance(one, Statement) for one in found), found
    return [json.loads(one.body) for one in found if isinstance(one, Statement)]


SHAPES = {
    "array": json.dumps([ONE, TWO]),
    "array over lines": json.dumps([ONE, TWO], indent=2, ensure_ascii=False),
    "lines": f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n",
    "lines without the last break": f"{json.dumps(ONE)}\r\n\r\n{json.dumps(TWO, ensure_ascii=False)}",
    "one after another": f"{json.dumps(ONE, indent=1)}\n{json.dumps(TWO, indent=1)}",
    "arrays one after another": f"[{json.dumps(ONE)}]\n[{json.dumps(TWO)}]\n",
    "behind a byte order mark": f"\ufeff \n[{json.dumps(ONE)},\n{json.dumps(TWO)}]",
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_told_by_its_content(tmp_path: Path, shape: str, packed: bool) -> None:
    content = SHAPES[shape].encode()
    found = read(tmp_path, gzip.compress(content) if packed else content)
    assert values(found) == [ONE, TWO]


@pytest.mark.parametrize("content", [json.dumps(ONE), json.dumps(ONE, indent=2), f"[{json.dumps(ONE)}]"])
def test_a_single_statement(tmp_path: Path, content: str) -> None:
    assert values(read(tmp_path, content.encode())) == [ONE]


@pytest.mark.parametrize("content", [b"", b" \n\n", b"[]", b"[ ]\n"])
def test_nothing_in_it(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == []


@pytest.mark.parametrize("chunk", [1, 7, 64])
# A statement over several lines at the start is only recognised within the first chunk.
@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"one after another"}))
def test_where_the_chunks_end_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str, chunk: int
) -> None:
    monkeypatch.setattr(statement_files, "CHUNK_BYTES", chunk)
    assert values(read(tmp_path, SHAPES[shape].encode())) == [ONE, TWO]


@pytest.mark.parametrize(
    "broken",
    [b'{"id": "x", "actor"', b"[1, 2]", b"nonsense", b'{"id": NaN}', b'{"id": "\xff"}', b"[" * 9999],
)
def test_a_broken_line_is_told_with_its_number_and_the_others_go_on(tmp_path: Path, broken: bytes) -> None:
    found = read(tmp_path, json.dumps(ONE).encode() + b"\n\n" + broken + b"\n" + b'{"id": "b"}')
    assert [one.place for one in found] == ["line 1", "line 3", "line 4"]
    assert [isinstance(one, Refused) for one in found] == [False, True, False]


def test_a_broken_first_line_does_not_hide_the_second(tmp_path: Path) -> None:
    first, second = read(tmp_path, b'{"id": "a", "actor": {\n{"id": "b"}\n')
    assert isinstance(first, Refused)
    assert first.place == "line 1"
    assert isinstance(second, Statement)
    assert second.place == "line 2"


def test_an_overlong_line_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_files, "MAX_STATEMENT_BYTES", 50)
    found = read(tmp_path, b'{"id": "a"}\n{"id": "' + b"x" * 500 + b'"}\n{"id": "b"}\n')
    assert [one.place for one in found] == ["line 1", "line 2", "line 3"]
    assert isinstance(found[1], Refused)


def test_an_array_that_was_cut_off_gives_what_is_whole(tmp_path: Path) -> None:
    whole = json.dumps([ONE, TWO]).encode()
    for cut in (whole[:-1], whole[:-10]):
        *good, last = read(tmp_path, cut)
        assert values(good) == ([ONE, TWO] if cut == whole[:-1] else [ONE])
        assert isinstance(last, Refused)


def test_bytes_that_are_no_utf8_spoil_their_element_only(tmp_path: Path) -> None:
    first, second, third = read(tmp_path, b'[{"id":"a"},{"id":"\xff"},{"id":"b"}]')
    assert isinstance(second, Refused)
    assert second.place == "element 2"
    assert values([first, third]) == [{"id": "a"}, {"id": "b"}]


def test_a_gzip_file_that_was_cut_off_is_told(tmp_path: Path) -> None:
    lines = b"".join(b'{"id": "%d"}\n' % number for number in range(9))
    *_, last = read(tmp_path, gzip.compress(lines)[:-9])
    assert isinstance(last, Refused)
    assert "cannot be read" in last.problems[0].message


def test_the_id_follows_from_the_content_alone(tmp_path: Path) -> None:
    lines = b'{"verb": {"id": "v"}, "n": 1}\n{ "n":1,"verb":{"id":"v"} }\n{"n": 2}\n{}\n'
    found = [one for one in read(tmp_path, lines) if isinstance(one, Statement)]
    ids = [one.id for one in found]
    assert ids[0] == ids[1] == content_id({"n": 1, "verb": {"id": "v"}})
    assert len(set(ids)) == 3
    assert [json.loads(one.body)["id"] for one in found] == ids
    # It must stay what it is: a load that is run again relies on it.
    assert content_id({"n": 2}) == "3323cf89-ae19-5fdc-b088-03ac53b1c7b4"


def test_the_text_of_a_statement_is_sent_as_it_came(tmp_path: Path) -> None:
    text = b'{"n": 1.50, "big": 123456789012345678901234567890, "n": 1e2,\t"\\u00e9": "\xc3\xa9" }'
    (found,) = read(tmp_path, text)
    assert isinstance(found, Statement)
    assert found.source == text
    assert found.body == b'{"id":"' + found.id.encode() + b'",' + text[1:]


def test_a_file_that_cannot_be_opened_is_told_plainly(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(CannotRun, match="cannot be read"), open_statements(str(path)):
            pass
