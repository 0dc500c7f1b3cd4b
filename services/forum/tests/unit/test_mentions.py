"""Where names behind an `@` begin and end."""

import time

import pytest

from forum.mentions import KEYS_MAX, Mention, find_at, keys_in
from forum.usernames import key_of


def found(text: str, *names: str) -> str:
    """Return the name that the first `@` of the text mentions; empty if none."""
    known = {key_of(name): number for number, name in enumerate(names)}
    at = text.index("@")
    mention = find_at(text, at, known)
    if mention is None:
        return ""
    name = text[at + 1 : mention.end]
    assert mention == Mention(names.index(next(n for n in names if key_of(n) == key_of(name))), mention.end)
    assert key_of(name) in keys_in(text)
    return name


@pytest.mark.parametrize(
    ("text", "names", "name"),
    [
        ("@alice", ["alice"], "alice"),
        ("@Alice!", ["alice"], "Alice"),
        ("@alice.", ["alice"], "alice"),
        ("@alice.", ["alice", "alice."], "alice."),
        ("@alice...", ["alice"], "alice"),
        ("@alice.Thanks", ["alice"], "alice"),
        ("@alice.Thanks", ["alice", "alice.thanks"], "alice.Thanks"),
        ("@alice-b-c", ["alice", "alice-b"], "alice-b"),
        ("@alice_smith", ["alice"], ""),
        ("@alicesmith", ["alice"], ""),
        ("@alice@example", ["alice"], ""),
        ("@alice@example", ["alice", "alice@example"], "alice@example"),
        ("@alice+1", ["alice"], ""),
        ("@alice_", ["alice"], "alice"),
        ("@alice's", ["alice"], "alice"),
        ("@小明你好", ["小明"], "小明"),
        ("@小明你好", ["小", "小明", "小明你"], "小明你"),
        ("@小明，你好", ["小明"], "小明"),
        ("@alice你好", ["alice"], "alice"),
        ("@小明bob", ["小明"], "小明"),
        ("@아리님", ["아리"], "아리"),
        ("@ＡＬＩＣＥ", ["alice"], "ＡＬＩＣＥ"),
        ("@e\u0301a", ["éa"], "e\u0301a"),
        ("@___", ["___"], "___"),
        ("@.", ["alice"], ""),
        ("@", ["alice"], ""),
        ("@ alice", ["alice"], ""),
        ("@" + "字" * 150, ["字" * 150], "字" * 150),
        ("@" + "a" * 150, ["a" * 150], "a" * 150),
    ],
)
def test_the_longest_name_of_a_user_wins(text: str, names: list[str], name: str) -> None:
    assert found(text, *names) == name


@pytest.mark.parametrize("before", ["", " ", "(", "*", "你好", "，", "-", ">", "\n"])
def test_a_mention_may_begin_here(before: str) -> None:
    assert found(f"{before}@alice", "alice") == "alice"


@pytest.mark.parametrize("before", ["a", "Z", "9", "_", "é", "ж"])
def test_inside_a_word_it_is_an_address(before: str) -> None:
    assert found(f"{before}@alice", "alice") == ""
    assert keys_in(f"{before}@alice") == []


@pytest.mark.parametrize("text", ["@" * 100_000, "@alice " * 14_000, ("@" + "小明" * 50) * 1000, "@a.b-c+d_e " * 9000])
def test_long_texts_ask_for_a_bounded_number_of_names(text: str) -> None:
    begin = time.thread_time()
    keys = keys_in(text)

    assert len(keys) == len(set(keys)) <= KEYS_MAX
    assert time.thread_time() - begin < 4.0
